'use strict';
/** Writes lines to standard output: in order, each as a whole, and with a bound on the lines in memory. */

const { fstatSync, writeSync } = require('node:fs');

const { reasonOf } = require('./format');

/** A pipe takes up to PIPE_BUF bytes as a whole or not at all. So the reader never gets half a line. */
const CHUNK_BYTES = 4096;

/**
 * Hashing pauses while more bytes than this are held back, for a slow reader or for one big file. Results in the queue
 * of the task manager come on top.
 */
const PAUSE_ABOVE = 4 * 1024 * 1024;
const RESUME_BELOW = PAUSE_ABOVE / 2;

class Output {
  #stream;
  #isFile;
  #go;
  #onError;
  #around;
  /** Lines whose turn has not come, by index. */
  #early = new Map();
  #nextIndex = 0;
  /** Lines whose turn has come: full chunks, and the lines of the next chunk. */
  #chunks = [];
  #lines = [];
  #lineBytes = 0;
  /** Size of all these lines. */
  #heldBytes = 0;
  #writing;

  /**
   * @param stream process.stdout
   * @param options.go a WaitableEvent that is set while there is room
   * @param options.onError called with the error if the stream cannot be written
   * @param options.around called with each function that writes, which it must call
   */
  constructor(stream, { go, onError, around = (write) => write() }) {
    this.#stream = stream;
    this.#isFile = fstatSync(stream.fd).isFile();
    this.#go = go;
    this.#onError = onError;
    this.#around = around;
    // A stream reports an error to the callback of write() and to its listeners. Without a listener it would throw.
    stream.on('error', onError);
    go.set();
  }

  /** Takes the line of the file `index`, in any order. It is empty for a file without a line. */
  put(index, line) {
    this.#hold(line.length);
    this.#early.set(index, line);
    while (this.#early.has(this.#nextIndex)) {
      this.#append(this.#early.get(this.#nextIndex));
      this.#early.delete(this.#nextIndex);
      this.#nextIndex += 1;
    }
  }

  /** Writes all lines whose turn has come. Resolves when they are written. */
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

  /** Writes one chunk after the other: a pipe would not take several as a whole. */
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
    if (!this.#isFile) {
      await new Promise((resolve, reject) => {
        this.#around(() => this.#stream.write(chunk, (error) => (error ? reject(error) : resolve())));
      });
    } else {
      // Node's stream for regular files treats a short write as success. On a nearly full disk the rest would be
      // missing.
      for (let done = 0; done < chunk.length;) {
        done += writeSync(this.#stream.fd, chunk, done);
      }
    }
  }

  /** Counts bytes in and out, and makes the workers pause and resume. */
  #hold(bytes) {
    this.#heldBytes += bytes;
    if (this.#heldBytes > PAUSE_ABOVE) {
      this.#go.clear();
    } else if (this.#heldBytes < RESUME_BELOW) {
      this.#go.set();
    }
  }
}

/** Returns the exit code and the message for standard output that cannot be written. */
function outputFailure(error) {
  if (error.code === 'EPIPE' || error.code === 'ECONNRESET') {
    // The reader has closed its end. Other programs die silently of SIGPIPE then. Node ignores that signal.
    return { exitCode: 141 };
  }
  return { exitCode: 1, message: `standard output: ${reasonOf(error)}` };
}

module.exports = { Output, outputFailure };
