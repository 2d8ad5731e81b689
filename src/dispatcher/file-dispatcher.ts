/** A channel over a file descriptor that it owns: Python's `asyncore.file_dispatcher`. */

import { check, fast, native, toError } from '../platform/binding';
import { os } from '../platform/lazy-builtins';
import { InvalidArgTypeError, SystemError } from '../util/errors';
import { validateDescriptor, validateInteger } from '../util/validate';
import { isDisconnected } from './disconnect';
import { Dispatcher } from './dispatcher';
import { type Loop, defaultLoop } from './loop';

/** The most that one `recv()` may ask for. */
const RECEIVE_LIMIT = 0x7fff_ffff;

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
  constructor(fd: number, loop: Loop = defaultLoop()) {
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
