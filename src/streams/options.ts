/** The options of the streams. */

import type { FileDispatcherOptions } from '../dispatcher';

/** Options of `toReadable()`. */
export interface ToReadableOptions extends FileDispatcherOptions {
  /** How many bytes are read ahead; one read asks for so many at most. Default: that of Node's streams. */
  highWaterMark?: number | undefined;
  /** The encoding of the strings that the stream delivers. Default: it delivers Buffers. */
  encoding?: BufferEncoding | undefined;
  /** Destroys the stream with the signal's reason when it aborts. */
  signal?: AbortSignal | undefined;
}

/** Options of `toWritable()`. */
export interface ToWritableOptions extends FileDispatcherOptions {
  /** How many bytes may wait before `write()` returns false. Default: that of Node's streams. */
  highWaterMark?: number | undefined;
  /** The encoding of strings that are written without one. Default: UTF-8. */
  defaultEncoding?: BufferEncoding | undefined;
  /** Destroys the stream with the signal's reason when it aborts. */
  signal?: AbortSignal | undefined;
}
