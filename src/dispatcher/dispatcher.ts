/**
 * Channels: objects with a file descriptor that a run loop calls when there is something to do.
 *
 * The names and the rules are those of Python's asyncore.dispatcher and asyncore.file_dispatcher.
 */

import { os } from '../platform/lazy-builtins';
import { isDisconnected } from '../run-loop/channel-set';
import { RunLoop, core, loopOf } from '../run-loop/core';
import { InvalidArgTypeError, SystemError } from '../util/errors';
import { check, fast, native, toError } from '../platform/binding';
import { validateDescriptor, validateInteger } from '../util/validate';

/** The most that one `recv()` may ask for. */
const RECEIVE_LIMIT = 0x7fff_ffff;

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
  addChannel(loop: RunLoop = core): void {
    if (!(loop instanceof RunLoop)) {
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

/**
 * A channel over a file descriptor, as asyncore.file_dispatcher: it works on a duplicate that it owns, made non-blocking, and
 * the caller's descriptor stays the caller's. (Non-blocking is a property that the two share.)
 *
 * @example
 * class Lines extends FileDispatcher {
 *   writable() { return false }
 *   handleRead() { process.stdout.write(this.recv(4096)) }
 * }
 * new Lines(fs.openSync('/tmp/fifo', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK))
 */
export class FileDispatcher extends Dispatcher {
  #fd: number;

  /**
   * Throws EBADF for a descriptor that is not open, EISDIR for a directory, EMFILE when there are none left,
   * `ERR_INVALID_ARG_VALUE` and `ERR_INVALID_ARG_TYPE` for what cannot be one.
   *
   * @param fd the descriptor to duplicate
   * @param loop the loop to join; default: this thread's own one
   */
  constructor(fd: number, loop: RunLoop = core) {
    super();
    this.#fd = check(native.duplicateDescriptor(validateDescriptor('fd', fd)), 'dup');
    try {
      this.addChannel(loop);
    } catch (error) {
      native.closeDescriptor(this.#fd);
      this.#fd = -1;
      throw error;
    }
  }

  /** The duplicate. Throws EBADF when the channel is closed. */
  fileno(): number {
    if (this.#fd < 0) {
      throw new SystemError(-os().constants.errno.EBADF, 'fileno');
    }
    return this.#fd;
  }

  /**
   * Reads up to `size` bytes. An empty buffer is the end, or a peer that is gone: `handleClose()` has been called then, as in
   * asyncore. Throws EAGAIN when there is nothing to read yet.
   */
  recv(size: number): Buffer {
    const buffer = Buffer.allocUnsafe(validateInteger('size', size, 0, RECEIVE_LIMIT));
    const result = fast.readDescriptor(this.#fd, buffer);
    if (result === size) {
      return buffer;
    }
    const count = result < 0 ? this.#closeOrThrow(result, 'read') : result;
    if (result === 0) {
      this.handleClose();
    }
    return buffer.subarray(0, count);
  }

  /** Another name of {@link FileDispatcher.recv}. */
  read(size: number): Buffer {
    return this.recv(size);
  }

  /**
   * Writes what fits, and returns how many bytes that was: 0 when there is no room now, or when the peer is gone, after
   * `handleClose()` was called, as in asyncore.
   */
  send(data: Uint8Array | string): number {
    const result = fast.writeDescriptor(this.#fd, toBytes(data));
    if (result >= 0) {
      return result;
    }
    return result === -os().constants.errno.EAGAIN ? 0 : this.#closeOrThrow(result, 'write');
  }

  /** Another name of {@link FileDispatcher.send}. */
  write(data: Uint8Array | string): number {
    return this.send(data);
  }

  /** Leaves the loop and closes the duplicate. Closing twice is allowed. */
  override close(): void {
    super.close();
    const fd = this.#fd;
    this.#fd = -1;
    if (fd >= 0) {
      native.closeDescriptor(fd);
    }
  }

  /** Calls `handleClose()` when the peer is gone, and throws what else went wrong. */
  #closeOrThrow(result: number, syscall: string): 0 {
    const error = toError(result, syscall);
    if (!isDisconnected(error)) {
      throw error;
    }
    this.handleClose();
    return 0;
  }
}

/** Bytes of what `send()` takes. */
function toBytes(data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') {
    return Buffer.from(data);
  }
  if (!ArrayBuffer.isView(data)) {
    throw new InvalidArgTypeError('data', 'a string or a Uint8Array', data);
  }
  return data;
}
