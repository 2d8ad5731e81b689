'use strict';
/** Standard output: lines in order, each written as a whole, and never more of them in memory than there should be. */

const { writeSync } = require('node:fs');
const { Socket } = require('node:net');

const { reasonOf } = require('./format');

/** A pipe takes up to PIPE_BUF bytes all or none: however this program ends, its reader gets no half line. */
const CHUNK_BYTES = 4096;

/**
 * With so many bytes held back, for a slow reader or because one big file is not done yet, hashing pauses. What is in the
 * queue of the task manager then still comes on top.
 */
const PAUSE_ABOVE = 4 * 1024 * 1024;
const RESUME_BELOW = PAUSE_ABOVE / 2;

class Output {
  #stream;
  #go;
  #onError;
  #around;
  /** Lines whose turn has not come, by index. */
  #early = new Map();
  #nextIndex = 0;
  /** Lines whose turn has come: full chunks, and what the next chunk has so far. */
  #chunks = [];
  #lines = [];
  #lineBytes = 0;
  /** The size of all that. */
  #heldBytes = 0;
  #writing;

  /**
   * @param stream process.stdout
   * @param options.go a WaitableEvent: it is set while there is room
   * @param options.onError called with the error when the stream cannot be written
   * @param options.around called with each function that writes, to call it
   */
  constructor(stream, { go, onError, around = (write) => write() }) {
    this.#stream = stream;
    this.#go = go;
    this.#onError = onError;
    this.#around = around;
    // A stream tells an error to the callback of write() as well as to its listeners; without one it would throw.
    stream.on('error', onError);
    go.set();
  }

  /** Takes the line of the file `index`, in whatever order they come; an empty one when it has none. */
  put(index, line) {
    this.#hold(line.length);
    this.#early.set(index, line);
    while (this.#early.has(this.#nextIndex)) {
      this.#append(this.#early.get(this.#nextIndex));
      this.#early.delete(this.#nextIndex);
      this.#nextIndex += 1;
    }
  }

  /** Has all lines written whose turn has come; resolves when they are. */
  async flush() {
    this.#closeChunk();
    await this.#writing;
  }

  #append(line) {
    if (this.#lineBytes + line.length > CHUNK_BYTES) {
      this.#closeChunk();
    }
    this.#lines.push(line);
    this.#lineBytes += line.length;
  }

  #closeChunk() {
    if (this.#lineBytes > 0) {
      this.#chunks.push(Buffer.concat(this.#lines));
      this.#lines = [];
      this.#lineBytes = 0;
      this.#writing ??= this.#writeChunks();
    }
  }

  /** One after the other: together, several chunks would not be all or none. */
  async #writeChunks() {
    try {
      for (let chunk = this.#chunks.shift(); chunk !== undefined; chunk = this.#chunks.shift()) {
        await this.#write(chunk);
        this.#hold(-chunk.length);
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#writing = undefined;
    }
  }

  async #write(chunk) {
    if (this.#stream instanceof Socket) {
      await new Promise((resolve, reject) => {
        this.#around(() => this.#stream.write(chunk, (error) => (error ? reject(error) : resolve())));
      });
    } else {
      // Node's stream for regular files takes a short write for success: on a disk that is nearly full, the rest
      // would be missing.
      for (let done = 0; done < chunk.length;) {
        done += writeSync(this.#stream.fd, chunk, done);
      }
    }
  }

  /** Counts bytes in and out, and has the workers pause and resume. */
  #hold(bytes) {
    this.#heldBytes += bytes;
    if (this.#heldBytes > PAUSE_ABOVE) {
      this.#go.clear();
    } else if (this.#heldBytes < RESUME_BELOW) {
      this.#go.set();
    }
  }
}

/** What to end with, and what to say, when standard output cannot be written. */
function outputFailure(error) {
  if (error.code === 'EPIPE' || error.code === 'ECONNRESET') {
    // The reader has seen enough. Other programs die of SIGPIPE then, without a word; Node ignores that signal.
    return { exitCode: 141 };
  }
  return { exitCode: 1, message: `standard output: ${reasonOf(error)}` };
}

module.exports = { Output, outputFailure };
