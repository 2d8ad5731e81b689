'use strict';

// Descriptors whose readiness a program knows.

const { execFileSync } = require('node:child_process');
const { closeSync, constants, openSync, readSync, writeSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { join } = require('node:path');
const { getSystemErrorName } = require('node:util');
const { threadId } = require('node:worker_threads');

const { select } = require('waitable-event');

const { hold } = require('./finding');

/** What a binding for Windows has for tests: connections, with numbers that `node:fs` does not know. */
const sockets =
  process.platform === 'win32' ? require(`../../../waitable-event.win32-${process.arch}-msvc.node`) : undefined;

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

/** Returns a count of a socket, or throws the error that it stands for. */
function check(count) {
  if (count < 0) {
    const code = getSystemErrorName(count);
    throw Object.assign(new Error(`A call of a socket failed: ${code}`), { code });
  }
  return count;
}

function write(fd, size) {
  const data = Buffer.alloc(size);
  return sockets === undefined ? writeSync(fd, data) : check(sockets.sendToSocket(fd, data));
}

/** How long what was sent may be on its way through a connection of this machine, in milliseconds. */
const TRANSIT = 20_000;

/** Reads what is there, or on its way. */
function read(fd, size) {
  const buffer = Buffer.alloc(size);
  if (sockets === undefined) return readSync(fd, buffer);
  const deadline = Date.now() + TRANSIT;
  for (;;) {
    try {
      return check(sockets.receiveFromSocket(fd, buffer));
    } catch (error) {
      if (error.code !== 'EAGAIN' || Date.now() > deadline) throw error;
      select([], [], [], 1);
    }
  }
}

/** Waits until what was sent has arrived, so that it is known what the other side is ready for. */
function awaitArrival(fd) {
  if (sockets !== undefined) {
    hold(select([fd], [], [], TRANSIT)[0].length === 1, () => 'What was sent arrives');
  }
}

function close(fd) {
  if (sockets === undefined) {
    closeSync(fd);
  } else {
    sockets.closeSocket(fd);
  }
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
      // What is on its way through a connection makes room.
      if (sockets !== undefined) return this.bytes === 0 ? true : undefined;
      return this.bytes === this.fullAt ? false : this.bytes === 0 ? true : undefined;
    }
    return this.bytes <= PIPE_PAGE ? true : undefined;
  }

  write(size) {
    const wasEmpty = this.bytes === 0;
    this.bytes += write(this.writer, size);
    if (wasEmpty) awaitArrival(this.reader);
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
    this.bytes -= read(this.reader, Math.min(size, this.bytes));
    this.isFull &&= this.bytes > 0;
  }

  drain() {
    while (this.bytes > 0) {
      this.read(65_536);
    }
  }
}

/** A pipe with a name. Both ends do not block. Windows has no readiness for pipes: there it is a connection. */
class Fifo extends Stream {
  hasReader = true;
  hasWriter = true;
  #path;

  constructor(directory) {
    if (sockets !== undefined) {
      super(...sockets.connectSockets());
      return;
    }
    const path = takeFifo(directory);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    super(reader, openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    this.#path = path;
  }

  closeReader() {
    if (this.hasReader) {
      this.hasReader = false;
      close(this.reader);
    }
    this.#giveBack();
  }

  closeWriter() {
    if (this.hasWriter) {
      this.hasWriter = false;
      close(this.writer);
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
  if (pair === undefined && sockets !== undefined) {
    const [a, b] = sockets.connectSockets();
    pair = { streams: [new Stream(a, b), new Stream(b, a)] };
  }
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
