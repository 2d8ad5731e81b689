/** The streams: a channel of a loop reads or writes, and the stream says when it wants that. */

import { Buffer as NodeBuffer } from 'node:buffer';
import { Readable, Writable } from 'node:stream';

import {
  type DescriptorSource,
  FileDispatcher,
  type FileDispatcherOptions,
  activity,
  loopOf,
  privateFileno,
} from '../dispatcher';
import { errno, fast, toError } from '../platform';
import type { ToReadableOptions, ToWritableOptions } from './options';

/** A read that fills less than this part of its buffer is copied, so that small chunks do not keep large buffers. */
const SPARSE = 4;

/** Returns those of the options that a channel has. */
function channelOptions({ own, loop }: FileDispatcherOptions): FileDispatcherOptions {
  return { own, loop };
}

/** Returns the options that have a value: a stream takes `undefined` for one. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** Reads when the stream wants more. */
class ReadableChannel extends FileDispatcher {
  readonly #stream: DescriptorReadable;
  #wanted = 0;

  constructor(stream: DescriptorReadable, fd: DescriptorSource, options: FileDispatcherOptions) {
    super(fd, options);
    this.#stream = stream;
  }

  /** Wants up to `size` bytes. */
  want(size: number): void {
    this.#wanted = size;
    loopOf(this)?.update(this);
  }

  override readable(): boolean {
    return this.#wanted > 0;
  }

  override handleRead(): void {
    const buffer = NodeBuffer.allocUnsafe(this.#wanted);
    const count = fast.readDescriptor(this[privateFileno](), buffer);
    if (count > 0) {
      this[activity] += 1;
      const bytes = buffer.subarray(0, count);
      this.#wanted = this.#stream.push(count * SPARSE < buffer.length ? NodeBuffer.from(bytes) : bytes)
        ? this.#wanted
        : 0;
    } else if (count === 0) {
      this.handleClose();
    } else if (count !== -errno().EAGAIN) {
      this.#stream.destroy(toError(count, 'read'));
    }
  }

  override handleClose(): void {
    this.close();
    this.#stream.push(null);
  }

  override handleError(error: unknown): void {
    this.#stream.destroy(error as Error);
  }
}

/** What `toReadable()` returns. */
export class DescriptorReadable extends Readable {
  readonly #channel: ReadableChannel;

  constructor(fd: DescriptorSource, { own, loop, ...options }: ToReadableOptions) {
    super(given(options));
    this.#channel = new ReadableChannel(this, fd, channelOptions({ own, loop }));
  }

  override _read(size: number): void {
    this.#channel.want(size);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#channel.close();
    callback(error);
  }
}

/** Writes what the stream has when there is room. */
class WritableChannel extends FileDispatcher {
  readonly #stream: DescriptorWritable;
  #data: Uint8Array | undefined;
  #done: ((error?: Error | null) => void) | undefined;

  constructor(stream: DescriptorWritable, fd: DescriptorSource, options: FileDispatcherOptions) {
    super(fd, options);
    this.#stream = stream;
  }

  /** Writes all of `data`, and calls `done`. */
  begin(data: Uint8Array, done: (error?: Error | null) => void): void {
    this.#data = data;
    this.#done = done;
    this.handleWrite();
    if (this.#data !== undefined) {
      loopOf(this)?.update(this);
    }
  }

  override readable(): boolean {
    return false;
  }

  override writable(): boolean {
    return this.#data !== undefined;
  }

  override handleWrite(): void {
    const data = this.#data;
    if (data === undefined) {
      return;
    }
    const count = data.length === 0 ? 0 : fast.writeDescriptor(this[privateFileno](), data);
    if (count === data.length) {
      this[activity] += 1;
      this.#finish();
    } else if (count >= 0) {
      this[activity] += count > 0 ? 1 : 0;
      this.#data = data.subarray(count);
    } else if (count !== -errno().EAGAIN) {
      this.#finish(toError(count, 'write'));
    }
  }

  override handleClose(): void {
    this.close();
    if (this.#data === undefined) {
      this.#stream.destroy();
    } else {
      this.#finish(toError(-errno().EPIPE, 'write'));
    }
  }

  override handleError(error: unknown): void {
    this.#stream.destroy(error as Error);
  }

  #finish(error?: Error): void {
    const done = this.#done;
    this.#data = undefined;
    this.#done = undefined;
    done?.(error);
  }
}

/** What `toWritable()` returns. */
export class DescriptorWritable extends Writable {
  readonly #channel: WritableChannel;

  constructor(fd: DescriptorSource, { own, loop, ...options }: ToWritableOptions) {
    super(given(options));
    this.#channel = new WritableChannel(this, fd, channelOptions({ own, loop }));
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#channel.begin(chunk, callback);
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: (error?: Error | null) => void): void {
    this.#channel.begin(NodeBuffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#channel.close();
    callback(error);
  }
}
