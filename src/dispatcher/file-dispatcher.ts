/** A channel that owns a file descriptor, as Python's `asyncore.file_dispatcher`. */

import { Buffer as NodeBuffer } from 'node:buffer';
import { closeSync } from 'node:fs';

import { check, fast, native, errno, toError, reserveStack } from '../platform';
import {
  InvalidArgTypeError,
  InvalidArgValueError,
  SystemError,
  validateBoolean,
  validateDescriptor,
  validateInteger,
  validateNames,
  validateOptions,
} from '../util';
import { isDisconnected } from './disconnect';
import { Dispatcher } from './dispatcher';
import { followHandler } from './failure';
import { type Loop, activity, defaultLoop, isLoop, privateFileno } from './loop';

/** Options of `new FileDispatcher()`. */
export interface FileDispatcherOptions {
  /**
   * The loop to join; `null` joins none.
   * @default this thread's own one, `core`
   */
  loop?: Loop | null | undefined;
  /**
   * Whether the channel takes the descriptor over: the caller's number is closed when the constructor returns, and the
   * file when the channel closes. When the constructor throws, the descriptor is still the caller's. It has to be a
   * number: an object closes its `fd` itself.
   * @default false
   */
  own?: boolean | undefined;
}

/** A descriptor, or an object that has one: a FileHandle, a stream of node:fs, a terminal. */
export type DescriptorSource = number | { readonly fd: number };

/** The most bytes that one `recv()` may ask for. */
const RECEIVE_LIMIT = 0x7fff_ffff;

/** Closes the duplicate of a dispatcher that was dropped. */
const dropped = new FinalizationRegistry<number>((fd) => native.closeDescriptor(fd));

/**
 * Reads and writes a file descriptor in a run loop, as Python's `asyncore.file_dispatcher`.
 *
 * The channel works on a duplicate that it owns, which it makes non-blocking. The caller's descriptor stays open when
 * the channel closes, unless `own` is true. Non-blocking mode is a property of the open file, so the two share it,
 * unless the file is a pipe, which is opened anew. `close()` restores the mode that the file had before, when the last
 * channel of this process on that open file closes.
 *
 * `recv()` and `send()` never block, also when another process makes the file a blocking one. A dispatcher that was
 * dropped, and is in no loop, is closed when it is garbage.
 *
 * @example
 * class Lines extends FileDispatcher {
 *   handleRead() { process.stdout.write(this.recv(4096)) }
 * }
 * new Lines(fs.openSync('/dev/stdin', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK));
 */
export class FileDispatcher extends Dispatcher {
  #fd: number;
  /** How often something was read or written. @internal */
  declare [activity]: number;

  /**
   * Duplicates a descriptor, and joins a loop with the duplicate. The loop calls no method of the channel before the
   * constructors of its subclasses have returned.
   *
   * Throws `EBADF` for a descriptor that is not open, `EISDIR` for a directory, and `EMFILE` when no descriptors are
   * left. Throws `ERR_INVALID_ARG_VALUE` or `ERR_INVALID_ARG_TYPE` for a value that cannot be a descriptor, and for
   * invalid options.
   *
   * @param fd The descriptor to duplicate, or an object that has it as its `fd`.
   * @param options The options, or the loop to join, where `null` joins none. Default: it joins this thread's own one.
   */
  constructor(fd: number | { readonly fd: number }, options?: Loop | null | FileDispatcherOptions) {
    super();
    const { loop, own } = toOptions(options);
    this[activity] = 0;
    const number = toDescriptor(fd);
    if (own && typeof fd !== 'number') {
      throw new InvalidArgValueError('options.own', 'false for an object, which closes its descriptor itself', own);
    }
    this.#fd = check(native.duplicateDescriptor(number), 'dup');
    dropped.register(this, this.#fd, this);
    try {
      if (loop !== null) {
        this.addChannel(loop);
      }
      if (own) {
        // The number itself cannot be kept: a worker closes the numbers that node:fs has opened in it when it ends.
        if (native.closeForeignSocket(number) === 0) {
          closeSync(number);
        }
      }
    } catch (error) {
      super.close();
      this.#release();
      throw error;
    }
  }

  /** Returns the duplicate. Throws `EBADF` when the channel is closed. */
  fileno(): number {
    if (this.#fd < 0) {
      throw new SystemError(-errno().EBADF, 'fileno');
    }
    native.shareDescriptor(this.#fd);
    return this.#fd;
  }

  /** Returns the duplicate for a poller of this process, unless `fileno()` is overridden. @internal */
  [privateFileno](): number {
    return this.fileno === FileDispatcher.prototype.fileno && this.#fd >= 0 ? this.#fd : this.fileno();
  }

  /**
   * Reads up to `size` bytes, from 0 to 2147483647. Throws `EAGAIN` when there is nothing to read yet.
   *
   * An empty buffer means the end, or a peer that is gone. `handleClose()` has been called then, as in asyncore.
   */
  recv(size: number): Buffer {
    const buffer = NodeBuffer.allocUnsafe(validateInteger('size', size, 0, RECEIVE_LIMIT));
    const result = fast.readDescriptor(this.#fd, buffer);
    if (result > 0) {
      this[activity] += 1;
    }
    if (result === size) {
      return buffer;
    }
    const count = result < 0 ? this.#closeOrThrow(result, 'read') : result;
    if (result === 0) {
      followHandler(this, this.handleClose());
    }
    return buffer.subarray(0, count);
  }

  /** Calls {@link FileDispatcher.recv}. */
  read(size: number): Buffer {
    return this.recv(size);
  }

  /**
   * Writes what fits, and returns the number of bytes written. It returns 0 when there is no room now. It also returns
   * 0 when the peer is gone, after it has called `handleClose()`, as in asyncore.
   */
  send(data: Uint8Array | string): number {
    const result = fast.writeDescriptor(this.#fd, toBytes(data));
    if (result >= 0) {
      this[activity] += result > 0 ? 1 : 0;
      return result;
    }
    return result === -errno().EAGAIN ? 0 : this.#closeOrThrow(result, 'write');
  }

  /** Calls {@link FileDispatcher.send}. */
  write(data: Uint8Array | string): number {
    return this.send(data);
  }

  /** Leaves the loop and closes the duplicate. Closing twice is allowed. */
  override close(): void {
    reserveStack();
    super.close();
    this.#release();
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the duplicate. */
  #release(): void {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd >= 0) {
      dropped.unregister(this);
      native.closeDescriptor(fd);
    }
  }

  /** Calls `handleClose()` when the error means that the peer is gone; throws any other error. */
  #closeOrThrow(result: number, syscall: string): 0 {
    const error = toError(result, syscall);
    if (!isDisconnected(error)) {
      throw error;
    }
    followHandler(this, this.handleClose());
    return 0;
  }
}

/** Returns the bytes to write. */
function toBytes(data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') {
    return NodeBuffer.from(data);
  }
  if (!ArrayBuffer.isView(data)) {
    throw new InvalidArgTypeError('data', 'a string or a Uint8Array', data);
  }
  return data;
}

/** Returns the argument of the constructor. The error says where a descriptor comes from. */
function toDescriptor(fd: unknown): number {
  if (typeof fd === 'string') {
    throw new InvalidArgTypeError('fd', 'a file descriptor, such as fs.openSync(path) returns', fd);
  }
  return typeof fd === 'object' && fd !== null && 'fd' in fd
    ? validateDescriptor('fd.fd', fd.fd)
    : validateDescriptor('fd', fd);
}

/** Returns the second argument of the constructor with its defaults. */
function toOptions(options: Loop | null | FileDispatcherOptions | undefined): { loop: Loop | null; own: boolean } {
  if (options === undefined || options === null || isLoop(options)) {
    return { loop: options === undefined ? defaultLoop() : options, own: false };
  }
  const { loop, own } = options;
  validateOptions(options);
  validateNames('options', options, ['loop', 'own']);
  validateBoolean('options.own', own);
  if (loop !== undefined && loop !== null && !isLoop(loop)) {
    throw new InvalidArgTypeError('options.loop', 'a RunLoop', loop);
  }
  return { loop: loop === undefined ? defaultLoop() : loop, own: own === true };
}
