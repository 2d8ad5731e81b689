'use strict';

// Descriptors whose readiness a program knows.

const { execFileSync } = require('node:child_process');
const { closeSync, constants, openSync, readSync, writeSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { join } = require('node:path');
const { threadId } = require('node:worker_threads');

const { hold } = require('./finding');

const PIPE_PAGE = 4096;
const FIFOS = 16;

let fifos;

/** Returns the path of a FIFO that no program has open. */
function takeFifo(directory) {
  if (fifos === undefined) {
    fifos = Array.from({ length: FIFOS }, (_, index) => join(directory, `fifo-${threadId}-${index}`));
    execFileSync('mkfifo', fifos);
  }
  const path = fifos.shift();
  hold(path !== undefined, 'There are FIFOs left');
  return path;
}

/** One direction from a descriptor to another: a FIFO, or a half of a socket. */
class Stream {
  reader;
  writer;
  bytes = 0;
  isFull = false;

  constructor(reader, writer) {
    this.reader = reader;
    this.writer = writer;
  }

  get isReadable() {
    return this.bytes > 0;
  }

  /** Undefined where the kernel may say either. */
  get isWritable() {
    if (this.isFull) {
      return this.bytes === this.fullAt ? false : this.bytes === 0 ? true : undefined;
    }
    return this.bytes <= PIPE_PAGE ? true : undefined;
  }

  write(size) {
    this.bytes += writeSync(this.writer, Buffer.alloc(size));
  }

  fill() {
    try {
      for (;;) {
        this.write(PIPE_PAGE);
      }
    } catch (error) {
      hold(error.code === 'EAGAIN', () => `fill(): ${error.stack}`);
    }
    this.isFull = true;
    this.fullAt = this.bytes;
  }

  read(size) {
    this.bytes -= readSync(this.reader, Buffer.alloc(Math.min(size, this.bytes)));
    this.isFull &&= this.bytes > 0;
  }

  drain() {
    while (this.bytes > 0) {
      this.read(65_536);
    }
  }
}

/** A pipe with a name. Both ends do not block. */
class Fifo extends Stream {
  hasReader = true;
  hasWriter = true;
  #path;

  constructor(directory) {
    const path = takeFifo(directory);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    super(reader, openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    this.#path = path;
  }

  closeReader() {
    if (this.hasReader) {
      this.hasReader = false;
      closeSync(this.reader);
    }
    this.#giveBack();
  }

  closeWriter() {
    if (this.hasWriter) {
      this.hasWriter = false;
      closeSync(this.writer);
    }
    this.#giveBack();
  }

  #giveBack() {
    if (!this.hasReader && !this.hasWriter && this.#path !== undefined) {
      fifos.push(this.#path);
      this.#path = undefined;
    }
  }
}

let pair;

/** Returns two streams, the directions of two connected sockets that Node does not read. They are made once. */
async function socketPair(directory) {
  if (pair === undefined) {
    const server = createServer({ pauseOnConnect: true });
    const path = join(directory, `socket-${threadId}`);
    await new Promise((resolve) => {
      server.listen(path, resolve);
    });
    const accepted = new Promise((resolve) => {
      server.once('connection', resolve);
    });
    const client = connect(path);
    client.pause();
    const peer = await accepted;
    server.close();
    // oxlint-disable-next-line no-underscore-dangle -- Node has no other way to tell
    const [a, b] = [client, peer].map((socket) => socket._handle.fd);
    pair = { sockets: [client, peer], streams: [new Stream(a, b), new Stream(b, a)] };
  }
  return pair.streams;
}

module.exports = { Fifo, Stream, socketPair };
