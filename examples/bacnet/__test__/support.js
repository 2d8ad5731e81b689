'use strict';

const { spawn } = require('node:child_process');
const { createSocket } = require('node:dgram');
const { join } = require('node:path');
const { createInterface } = require('node:readline');

const { ConfirmedServiceChoice, PduType, UnconfirmedServiceChoice } = require('@bacnet-js/client');
const apdu = require('@bacnet-js/client/dist/lib/apdu');
const services = require('@bacnet-js/client/dist/lib/services').default;

const folder = join(__dirname, '..');

/** Where the device of the tests listens: each of jest's workers has an address of its own. */
const ADDRESS = `127.0.0.${10 + Number(process.env.JEST_WORKER_ID ?? 0)}`;
const PORT = 47_808;

/** For a machine that is busy with something else. */
const LIMIT = 40_000;

const ended = [];

/** Has `fn` called after the test, or after those of its file. */
function finallyDo(fn) {
  ended.push(fn);
}

async function cleanUp() {
  for (const fn of ended.splice(0).toReversed()) await fn();
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until `condition()` holds. */
async function until(condition, what) {
  const deadline = performance.now() + LIMIT;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${LIMIT / 1000} s for ${typeof what === 'function' ? what() : what}`);
    }
    await sleep(5);
  }
}

/** A child process, and what it prints. */
class Program {
  lines = [];
  stderr = '';

  constructor(command, args) {
    this.child = spawn(command, args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    createInterface(this.child.stdout).on('line', (line) => this.onLine(line));
    this.exit = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(signal ?? code)));
    finallyDo(() => this.kill());
  }

  get pid() {
    return this.child.pid;
  }

  onLine(line) {
    this.lines.push(line);
  }

  get output() {
    return `${this.lines.join('\n')}\n${this.stderr}`;
  }

  write(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** Waits for a line that has `text`, from line `from` on. Returns its number. */
  async printed(text, from = 0) {
    const find = () => this.lines.findIndex((line, index) => index >= from && line.includes(text));
    await until(
      () => find() >= 0 || this.child.exitCode !== null,
      () => `"${text}": ${this.output}`,
    );
    if (find() < 0) throw new Error(`The program ended without "${text}": ${this.output}`);
    return find();
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exit;
  }
}

/** Starts the device. It has no sampling worker unless it is asked for. */
async function startDevice(...args) {
  const device = new Program(process.execPath, ['main.js', '--address', ADDRESS, '--sample', '0', ...args]);
  await device.printed('listens on');
  return device;
}

/** A client on a library of other authors: a program in Python. */
class Peer extends Program {
  events = [];
  #results = new Map();
  #next = 0;

  static async start(script, address) {
    const peer = new Peer(process.env.BACNET_PYTHON, [join(folder, 'peers', script), address]);
    await until(
      () => peer.events.some(({ event }) => event === 'ready'),
      () => `a Python client: ${peer.stderr}`,
    );
    return peer;
  }

  onLine(line) {
    super.onLine(line);
    const { id, ...rest } = JSON.parse(line);
    if (id === undefined) {
      this.events.push(rest);
    } else {
      this.#results.get(id)(rest);
      this.#results.delete(id);
    }
  }

  /** Has the client send something. Resolves with its result, which has a `time`. */
  call(call, fields = {}) {
    const id = (this.#next += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`No answer to ${call}: ${this.output}`)), LIMIT);
      this.#results.set(id, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      this.write(JSON.stringify({ id, call, address: ADDRESS, ...fields }));
    });
  }

  /** Returns the result without its time. */
  async result(call, fields) {
    const { time: _, ...result } = await this.call(call, fields);
    return result;
  }

  of(event) {
    return this.events.filter((each) => each.event === event);
  }

  /** Waits for the event number `count` of a kind, and returns it. */
  async event(event, count) {
    await until(
      () => this.of(event).length >= count,
      () => `${count} of ${event}: ${this.output}`,
    );
    return this.of(event)[count - 1];
  }
}

/** Returns a datagram with an APDU that `write` writes. */
function datagram(write) {
  const to = { buffer: Buffer.alloc(1500), offset: 0 };
  const header = [0x81, 0x0a, 0, 0, 1, 4];
  header.forEach((byte) => (to.buffer[to.offset++] = byte));
  write(to);
  to.buffer.writeUInt16BE(to.offset, 2);
  return Buffer.from(to.buffer.subarray(0, to.offset));
}

const confirmed = (service, invokeId, write) =>
  datagram((to) => {
    apdu.encodeConfirmedServiceRequest(to, PduType.CONFIRMED_REQUEST, service, 0, 5, invokeId);
    write(to);
  });

const ALL = 0xffff_ffff;

/** Datagrams that are valid. */
const requests = {
  whoIs: () =>
    datagram((to) => {
      apdu.encodeUnconfirmedServiceRequest(to, PduType.UNCONFIRMED_REQUEST, UnconfirmedServiceChoice.WHO_IS);
      services.whoIs.encode(to, 1, 1000);
    }),
  read: (id, { type, instance }, property, index = ALL) =>
    confirmed(ConfirmedServiceChoice.READ_PROPERTY, id, (to) =>
      services.readProperty.encode(to, type, instance, property, index),
    ),
  readMultiple: (id, specifications) =>
    confirmed(ConfirmedServiceChoice.READ_PROPERTY_MULTIPLE, id, (to) =>
      services.readPropertyMultiple.encode(to, specifications),
    ),
  write: (id, { type, instance }, property, values) =>
    confirmed(ConfirmedServiceChoice.WRITE_PROPERTY, id, (to) =>
      services.writeProperty.encode(to, type, instance, property, ALL, 0, values),
    ),
  subscribe: (id, object, { process, isConfirmed, lifetime }) =>
    confirmed(ConfirmedServiceChoice.SUBSCRIBE_COV, id, (to) =>
      services.subscribeCov.encode(to, process, object, false, isConfirmed, lifetime),
    ),
  simpleAck: (id) =>
    datagram((to) =>
      apdu.encodeSimpleAck(to, PduType.SIMPLE_ACK, ConfirmedServiceChoice.CONFIRMED_COV_NOTIFICATION, id),
    ),
};

/** A client that sends what it is told, and keeps what comes. */
class RawClient {
  received = [];

  static async start(address) {
    const client = new RawClient();
    client.socket = createSocket('udp4');
    finallyDo(() => client.close());
    client.socket.on('message', (data) => client.received.push({ data, time: performance.now() }));
    await new Promise((resolve) => client.socket.bind(0, address, resolve));
    return client;
  }

  send(data) {
    return new Promise((resolve, reject) => {
      this.socket.send(data, PORT, ADDRESS, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Returns the APDUs that came, of one kind, with their times. */
  of(kind) {
    return this.received
      .map(({ data, time }) => ({ apdu: data.subarray(6), time }))
      .filter(({ apdu: [first] }) => (first & 0xf0) === kind);
  }

  /** Sends a request until there is an answer to it: in a flood, datagrams may be lost. */
  async ask(id, data) {
    const find = () =>
      this.received.find(
        ({ data: { 6: first, 7: number } }) => (first & 0xf0) > PduType.UNCONFIRMED_REQUEST && number === id,
      );
    const deadline = performance.now() + LIMIT;
    while (find() === undefined) {
      if (performance.now() > deadline) throw new Error('The device does not answer');
      await this.send(data);
      for (let waited = 0; waited < 1000 && find() === undefined; waited += 5) await sleep(5);
    }
    const { data: answer } = find();
    this.received = this.received.filter(({ data: other }) => other !== answer);
    return answer.subarray(6);
  }

  close() {
    try {
      this.socket.close();
    } catch {
      // It is closed.
    }
  }
}

module.exports = { ADDRESS, PORT, Peer, Program, RawClient, cleanUp, folder, requests, sleep, startDevice, until };
