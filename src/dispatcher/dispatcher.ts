/**
 * The base class of all channels: objects with a file descriptor, whose handlers a run loop calls.
 *
 * Names and rules are those of Python's `asyncore.dispatcher`.
 */

import { report } from '../platform';
import { InvalidArgTypeError } from '../util';
import { followHandler } from './failure';
import { type Channel, type Loop, defaultLoop, isLoop, loopOf } from './loop';

/**
 * Handles what happens on one file descriptor: the base class of every channel of a run loop.
 *
 * Follows Python's `asyncore.dispatcher`. A subclass has a `fileno()` and overrides the handlers it needs. What a
 * handler throws goes to `handleError()`. An error that means that the peer is gone goes to `handleClose()` instead:
 * EPIPE, ECONNRESET, EBADF, ENOTCONN, ESHUTDOWN, ECONNABORTED. A channel belongs to one thread.
 *
 * A handler may be an async function. The reason of a rejected promise is treated as what the handler throws, and the
 * loop does not wait for the promise. So an async `handleRead()` reads before its first `await`.
 *
 * @example
 * class Terminal extends Dispatcher {
 *   fileno() { return 0 }
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
   * Returns whether the channel wants to be read: true, unless overridden. The loop asks before its first sleep or pass
   * after the channel has joined, after its handlers have run, and at `loop.update()`.
   *
   * A channel that does not want to be read, and has a `handleExpt()` of its own, waits for exceptional conditions
   * alone.
   */
  readable(): boolean {
    return true;
  }

  /**
   * Returns whether the channel wants to be written: unless overridden, whether it has a `handleWrite()` of its own.
   * The loop asks when it asks for `readable()`.
   */
  writable(): boolean {
    return hasOwn(this, 'handleWrite');
  }

  /**
   * Reads from the descriptor, which has data, has reached its end, or has an error. `recv()` throws that error. By
   * default it logs a warning.
   */
  handleRead(): unknown {
    this.logInfo('unhandled read event', 'warning');
    return undefined;
  }

  /** Writes to the descriptor, which has room. By default it logs a warning. */
  handleWrite(): unknown {
    this.logInfo('unhandled write event', 'warning');
    return undefined;
  }

  /** Handles an exceptional condition: out-of-band data, or a changed sysfs attribute. By default it logs a warning. */
  handleExpt(): unknown {
    this.logInfo('unhandled incoming priority event', 'warning');
    return undefined;
  }

  /**
   * Handles the end: the peer is gone, and the last byte was read. By default it logs a warning and closes the channel.
   * It comes after the last byte also when the channel does not want to be read for now.
   */
  handleClose(): unknown {
    this.logInfo('unhandled close event', 'warning');
    this.close();
    return undefined;
  }

  /** Handles what another handler threw. By default it logs the error and calls `handleClose()`; the loop goes on. */
  handleError(error: unknown): unknown {
    this.logInfo(`uncaptured exception, closing channel ${this.constructor.name}`, 'error', error);
    followHandler(this, this.handleClose());
    return undefined;
  }

  /** Calls `handleRead()`. The loop calls it when the descriptor is readable. */
  handleReadEvent(): unknown {
    followHandler(this, this.handleRead());
    return undefined;
  }

  /** Calls `handleWrite()`. The loop calls it when the descriptor is writable. */
  handleWriteEvent(): unknown {
    followHandler(this, this.handleWrite());
    return undefined;
  }

  /** Calls `handleExpt()`. The loop calls it when the descriptor has an exceptional condition. */
  handleExptEvent(): unknown {
    followHandler(this, this.handleExpt());
    return undefined;
  }

  /**
   * Prints a message to standard error through the console, unless `ignoreLogTypes` has its type. In a worker whose
   * loop blocks, the console is mute; there the message is written to descriptor 2.
   */
  logInfo(message: string, type: string = 'info', ...details: unknown[]): void {
    if (!this.ignoreLogTypes.has(type)) {
      report(`${type}: ${message}`, ...details);
    }
  }

  /**
   * Joins a loop; by default, this thread's own one. A channel is in one loop at a time, so it leaves the loop it was
   * in. A channel that is in the loop already, with another descriptor since, joins again with that one.
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

/** Returns whether a channel handles an event itself. One that is no Dispatcher does. */
export function hasOwn(channel: Channel, name: 'handleRead' | 'handleWrite' | 'handleExpt'): boolean {
  const { prototype } = Dispatcher;
  if (!(channel instanceof Dispatcher) || channel[name] !== prototype[name]) {
    return true;
  }
  // A class may override the outer handler alone. (One that was put on the object may just wrap ours.)
  const inherited = Object.getPrototypeOf(channel) as Dispatcher;
  return inherited[`${name}Event`] !== prototype[`${name}Event`];
}
