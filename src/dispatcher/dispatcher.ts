/**
 * The base class of all channels: objects with a file descriptor, whose handlers a run loop calls.
 *
 * Names and rules are those of Python's `asyncore.dispatcher`.
 */

import { InvalidArgTypeError } from '../util';
import { type Loop, defaultLoop, isLoop, loopOf } from './loop';

/**
 * Handles what happens on one file descriptor: the base class of every channel of a run loop.
 *
 * Follows Python's `asyncore.dispatcher`. A subclass has a `fileno()` and overrides the handlers it needs. What a
 * handler throws goes to `handleError()`. An error that means that the peer is gone goes to `handleClose()` instead:
 * EPIPE, ECONNRESET, EBADF, ENOTCONN, ESHUTDOWN, ECONNABORTED. A channel belongs to one thread.
 *
 * @example
 * class Terminal extends Dispatcher {
 *   fileno() { return 0 }
 *   writable() { return false }
 *   handleRead() { console.log(fs.readSync(0, Buffer.alloc(4096)), 'bytes') }
 * }
 * new Terminal().addChannel();
 */
export abstract class Dispatcher {
  /**
   * The types of messages that `logInfo()` does not print. The default is asyncore's: `'warning'`, the type of
   * unhandled events.
   */
  ignoreLogTypes: ReadonlySet<string> = new Set(['warning']);

  /** Returns the descriptor that the loop watches. */
  abstract fileno(): number;

  /**
   * Returns whether the channel wants to be read: true, unless overridden. The loop asks when the channel joins, after
   * its handlers have run, and at `loop.update()`.
   */
  readable(): boolean {
    return true;
  }

  /**
   * Returns whether the channel wants to be written: true, unless overridden. The loop asks when the channel joins,
   * after its handlers have run, and at `loop.update()`.
   */
  writable(): boolean {
    return true;
  }

  /** Reads from the descriptor, which has data, or has reached its end. By default it logs a warning. */
  handleRead(): void {
    this.logInfo('unhandled read event', 'warning');
  }

  /** Writes to the descriptor, which has room. By default it logs a warning. */
  handleWrite(): void {
    this.logInfo('unhandled write event', 'warning');
  }

  /** Handles an exceptional condition: out-of-band data, or a changed sysfs attribute. By default it logs a warning. */
  handleExpt(): void {
    this.logInfo('unhandled incoming priority event', 'warning');
  }

  /**
   * Handles the end: the peer is gone, and the last byte was read. By default it logs a warning and closes the channel.
   */
  handleClose(): void {
    this.logInfo('unhandled close event', 'warning');
    this.close();
  }

  /** Handles what another handler threw. By default it logs the error and calls `handleClose()`; the loop goes on. */
  handleError(error: unknown): void {
    this.logInfo(`uncaptured exception, closing channel ${this.constructor.name}`, 'error', error);
    this.handleClose();
  }

  /** Calls `handleRead()`. The loop calls it when the descriptor is readable. */
  handleReadEvent(): void {
    this.handleRead();
  }

  /** Calls `handleWrite()`. The loop calls it when the descriptor is writable. */
  handleWriteEvent(): void {
    this.handleWrite();
  }

  /** Calls `handleExpt()`. The loop calls it when the descriptor has an exceptional condition. */
  handleExptEvent(): void {
    this.handleExpt();
  }

  /** Prints a message to standard error through the console, unless `ignoreLogTypes` has its type. */
  logInfo(message: string, type: string = 'info', ...details: unknown[]): void {
    if (!this.ignoreLogTypes.has(type)) {
      console.error(`${type}: ${message}`, ...details);
    }
  }

  /**
   * Joins a loop; by default, this thread's own one. A channel is in one loop at a time, so it leaves the loop it was
   * in.
   *
   * Throws `ERR_INVALID_ARG_TYPE` when `loop` is no RunLoop, and what `loop.add()` throws.
   */
  addChannel(loop: Loop = defaultLoop()): void {
    if (!isLoop(loop)) {
      throw new InvalidArgTypeError('loop', 'a RunLoop', loop);
    }
    loop.add(this);
  }

  /** Leaves the loop; does nothing when the channel is in none. */
  delChannel(): void {
    loopOf(this)?.remove(this);
  }

  /** Leaves the loop. A subclass closes what it has opened, too. */
  close(): void {
    this.delChannel();
  }
}
