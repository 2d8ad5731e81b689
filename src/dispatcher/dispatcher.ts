/**
 * The base of all channels: objects with a file descriptor that a run loop calls when there is something to do.
 *
 * Names and rules are those of Python's `asyncore.dispatcher`.
 */

import { InvalidArgTypeError } from '../util/errors';
import { type Loop, defaultLoop, isLoop, loopOf } from './loop';

/**
 * A channel: the base of everything that a run loop dispatches.
 *
 * A subclass has a `fileno()` and overrides the handlers it wants. What a handler throws goes to `handleError()`; an error that
 * means that the peer is gone (EPIPE, ECONNRESET, EBADF, ENOTCONN, ESHUTDOWN, ECONNABORTED) goes to `handleClose()`. A channel
 * belongs to one thread.
 */
export abstract class Dispatcher {
  /** What `logInfo()` keeps to itself. asyncore's default: unhandled events are warnings, and are not printed. */
  ignoreLogTypes: ReadonlySet<string> = new Set(['warning']);

  /** The descriptor that the loop watches. */
  abstract fileno(): number;

  /** Whether the channel wants to be read. Asked when it joins a loop, after its handlers ran, and at `loop.update()`. */
  readable(): boolean {
    return true;
  }

  /** Whether the channel wants to be written. Asked when it joins a loop, after its handlers ran, and at `loop.update()`. */
  writable(): boolean {
    return true;
  }

  /** There is something to read, or the end of it. */
  handleRead(): void {
    this.logInfo('unhandled read event', 'warning');
  }

  /** There is room to write. */
  handleWrite(): void {
    this.logInfo('unhandled write event', 'warning');
  }

  /** There is an exceptional condition: out-of-band data, a changed sysfs attribute. */
  handleExpt(): void {
    this.logInfo('unhandled incoming priority event', 'warning');
  }

  /** The peer is gone, and the last byte was read. The default closes the channel. */
  handleClose(): void {
    this.logInfo('unhandled close event', 'warning');
    this.close();
  }

  /** One of the handlers threw. The default reports it and gives the channel to `handleClose()`; the loop goes on. */
  handleError(error: unknown): void {
    this.logInfo(`uncaptured exception, closing channel ${this.constructor.name}`, 'error', error);
    this.handleClose();
  }

  /** What the loop calls when there is something to read; calls `handleRead()`. */
  handleReadEvent(): void {
    this.handleRead();
  }

  /** What the loop calls when there is room to write; calls `handleWrite()`. */
  handleWriteEvent(): void {
    this.handleWrite();
  }

  /** What the loop calls for an exceptional condition; calls `handleExpt()`. */
  handleExptEvent(): void {
    this.handleExpt();
  }

  /** Writes to the console's standard error, unless `ignoreLogTypes` has this type of message. */
  logInfo(message: string, type: string = 'info', ...details: unknown[]): void {
    if (!this.ignoreLogTypes.has(type)) {
      console.error(`${type}: ${message}`, ...details);
    }
  }

  /**
   * Joins a loop: this thread's own one, unless another is passed. A channel is in one loop at a time; joining another
   * one leaves the first.
   */
  addChannel(loop: Loop = defaultLoop()): void {
    if (!isLoop(loop)) {
      throw new InvalidArgTypeError('loop', 'a RunLoop', loop);
    }
    loop.add(this);
  }

  /** Leaves the loop it is in, if any. */
  delChannel(): void {
    loopOf(this)?.remove(this);
  }

  /** Leaves the loop. Subclasses close what they opened. */
  close(): void {
    this.delChannel();
  }
}
