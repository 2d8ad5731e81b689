/**
 * Channels: objects with a file descriptor that a run loop calls when there is something to do.
 *
 * The names and the rules are those of Python's asyncore.dispatcher and asyncore.file_dispatcher.
 */

import { constants } from 'node:os';

import { RunLoop, core } from './core';
import { check, native } from './native';
import { validateDescriptor, validateInteger } from './validate';
import { InvalidArgTypeError, SystemError } from './errors';

/** The most that one `recv()` may ask for. */
const RECEIVE_LIMIT = 0x7fff_ffff;

/**
 * A channel: the base of everything that a run loop dispatches.
 *
 * A subclass has a `fileno()` and overrides the handlers it wants. What it does not handle is reported on the console, as in
 * asyncore.
 */
export abstract class Dispatcher {
  #loop: RunLoop | undefined;

  /** The descriptor that the loop watches. */
  abstract fileno(): number;

  /** Whether the channel wants to be read. Asked when it joins a loop and after its handlers ran. */
  readable(): boolean {
    return true;
  }

  /** Whether the channel wants to be written. Asked when it joins a loop and after its handlers ran. */
  writable(): boolean {
    return true;
  }

  /** There is something to read. */
  handleRead(): void {
    console.warn('unhandled read event');
  }

  /** There is room to write. */
  handleWrite(): void {
    console.warn('unhandled write event');
  }

  /** There is an exceptional condition: out-of-band data, a changed sysfs attribute. */
  handleExpt(): void {
    console.warn('unhandled incoming priority event');
  }

  /** The peer is gone. */
  handleClose(): void {
    console.warn('unhandled close event');
    this.close();
  }

  /** One of the handlers threw. The default reports it and gives the channel to `handleClose()`; the loop goes on. */
  handleError(error: unknown): void {
    console.error(`uncaptured exception, closing channel ${this.constructor.name}`, error);
    this.handleClose();
  }

  /**
   * Joins a loop: this thread's own one, unless another is passed. A channel is in one loop at a time; joining another
   * one leaves the first.
   */
  addChannel(loop: RunLoop = core): void {
    if (!(loop instanceof RunLoop)) {
      throw new InvalidArgTypeError('loop', 'a RunLoop', loop);
    }
    if (this.#loop === loop) {
      return;
    }
    loop.add(this);
    this.#loop?.remove(this);
    this.#loop = loop;
  }

  /** Leaves the loop it is in, if any. */
  delChannel(): void {
    const loop = this.#loop;
    this.#loop = undefined;
    loop?.remove(this);
  }

  /** Leaves the loop. Subclasses close what they opened. */
  close(): void {
    this.delChannel();
  }
}

/**
 * A channel over a file descriptor, as asyncore.file_dispatcher: it works on a duplicate that it owns, made non-blocking, and
 * the caller's descriptor stays the caller's.
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
      throw new SystemError(-constants.errno.EBADF, 'fileno');
    }
    return this.#fd;
  }

  /**
   * Reads up to `size` bytes. An empty buffer is the end: `handleClose()` has been called then, as in asyncore.
   *
   * Throws EAGAIN when there is nothing to read yet.
   */
  recv(size: number): Buffer {
    const buffer = Buffer.allocUnsafe(validateInteger('size', size, 0, RECEIVE_LIMIT));
    const count = native.readDescriptor(this.fileno(), buffer);
    if (count === 0 && size > 0) {
      this.handleClose();
    }
    return buffer.subarray(0, check(count, 'read'));
  }

  /** Another name of {@link FileDispatcher.recv}. */
  read(size: number): Buffer {
    return this.recv(size);
  }

  /** Writes what fits, and returns how many bytes that was: 0 when there is no room now. */
  send(data: Uint8Array | string): number {
    const count = native.writeDescriptor(this.fileno(), toBytes(data));
    return count === -constants.errno.EAGAIN ? 0 : check(count, 'write');
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
}

/** Bytes of what `send()` takes. */
export function toBytes(data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') {
    return Buffer.from(data);
  }
  if (!ArrayBuffer.isView(data)) {
    throw new InvalidArgTypeError('data', 'a string or a Uint8Array', data);
  }
  return data;
}
