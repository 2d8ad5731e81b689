/**
 * Node's streams over descriptors.
 * May use: dispatcher, platform, util.
 */

import type { Readable, Writable } from 'node:stream';

import { reserveStack } from '../platform';
import { validateNames, validateOptions } from '../util';
import type * as parts from './descriptor-streams';
import type { ToReadableOptions, ToWritableOptions } from './options';

export type { ToReadableOptions, ToWritableOptions } from './options';

/** Loads the classes, and with them node:stream. */
const descriptorStreams = (): typeof parts => require('./descriptor-streams') as typeof parts;

/**
 * Returns a stream of what a descriptor delivers: a FIFO, a terminal, a serial port, inotify, a file. The loop has to
 * run; by default it is this thread's own one, `core`. While the stream has enough, the loop does not watch the
 * descriptor for data, so that a writer is held up.
 *
 * The stream ends when the peer is gone and the last byte was read. Another error of a read destroys it. It reads a
 * duplicate of the descriptor, which closes with the stream; with `own: true` it takes the descriptor over.
 *
 * Throws what `new FileDispatcher()` throws, and `ERR_INVALID_ARG_VALUE` for an option that does not exist.
 * `stream.Readable.toWeb()` makes a ReadableStream of it.
 *
 * @param fd The descriptor, or an object that has it as its `fd`.
 * @example
 * toReadable(fd, { encoding: 'utf8' }).on('data', (chunk) => console.log(chunk));
 * await core.run();
 */
export function toReadable(fd: number | { readonly fd: number }, options?: ToReadableOptions): Readable {
  reserveStack();
  validateOptions(options);
  validateNames('options', options, ['own', 'loop', 'highWaterMark', 'encoding', 'signal']);
  const { DescriptorReadable } = descriptorStreams();
  return new DescriptorReadable(fd, options ?? {});
}

/**
 * Returns a stream that writes to a descriptor. It writes immediately, and what does not fit when the loop finds room:
 * by default this thread's own loop, `core`, which has to run. It never blocks.
 *
 * An error of a write destroys the stream with it: `EPIPE` when the reader is gone, which the stream may notice at the
 * next write only. It writes to a duplicate of the descriptor, which closes with the stream; with
 * `own: true` it takes the descriptor over.
 *
 * Throws what `new FileDispatcher()` throws, and `ERR_INVALID_ARG_VALUE` for an option that does not exist.
 *
 * @param fd The descriptor, or an object that has it as its `fd`.
 * @example
 * toWritable(1).end('a line\n', () => core.stop());
 * await core.run();
 */
export function toWritable(fd: number | { readonly fd: number }, options?: ToWritableOptions): Writable {
  reserveStack();
  validateOptions(options);
  validateNames('options', options, ['own', 'loop', 'highWaterMark', 'defaultEncoding', 'signal']);
  const { DescriptorWritable } = descriptorStreams();
  return new DescriptorWritable(fd, options ?? {});
}
