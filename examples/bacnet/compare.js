'use strict';
/**
 * Compares the device with the same one in BACpypes, on this machine: requests a second, latency, processor time.
 *
 *   npm run test:bacnet -- --figures
 */

const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { once } = require('node:events');
const { join } = require('node:path');

const { ObjectType, PropertyIdentifier } = require('@bacnet-js/client');

const { DatagramDispatcher, FunctionTask, core } = require('../..');

const { ADDRESS, PORT, requests } = require('./__test__/support');

/** How long each measurement takes, in milliseconds. */
const PERIOD = 4000;

/** How many requests wait for an answer at a time when it is the number of requests that counts. */
const OUTSTANDING = 16;

const TICKS_PER_SECOND = 100;

const DEVICES = [
  ['BACpypes 0.19', process.env.BACNET_PYTHON, [join(__dirname, 'peers', 'bacpypes_device.py'), ADDRESS]],
  ['this device', process.execPath, [join(__dirname, 'main.js'), '--address', ADDRESS, '--sample', '0']],
];

const ANALOG = { type: ObjectType.ANALOG_VALUE, instance: 1 };
const OBJECTS = [ANALOG, { type: ObjectType.BINARY_VALUE, instance: 1 }];
const LISTED = [PropertyIdentifier.PRESENT_VALUE, PropertyIdentifier.STATUS_FLAGS, PropertyIdentifier.OBJECT_NAME];
const properties = LISTED.map((id) => ({ id, index: 0xffff_ffff }));

const REQUESTS = {
  ReadProperty: requests.read(0, ANALOG, PropertyIdentifier.PRESENT_VALUE),
  ReadPropertyMultiple: requests.readMultiple(
    0,
    OBJECTS.map((objectId) => ({ objectId, properties })),
  ),
};

/** Sends a request again as soon as it is answered. */
class Load extends DatagramDispatcher {
  latencies = [];
  #sent = new Float64Array(256);

  constructor(request, count) {
    super({ address: '127.0.0.8' });
    this.request = Buffer.from(request);
    this.count = count;
  }

  start() {
    for (let id = 0; id < this.count; id += 1) this.send(id);
    this.guard = new FunctionTask(() => this.#resend());
    this.guard.installTask({ delta: 500 });
  }

  send(id) {
    this.#sent[id] = performance.now();
    this.request[8] = id;
    this.sendTo(this.request, PORT, ADDRESS);
  }

  handleRead() {
    for (let datagram = this.recvFrom(); datagram !== null; datagram = this.recvFrom()) {
      const id = datagram.data[7];
      this.latencies.push(performance.now() - this.#sent[id]);
      this.send(id);
    }
  }

  /** What was lost is sent again. */
  #resend() {
    for (let id = 0; id < this.count; id += 1) {
      if (performance.now() - this.#sent[id] > 500) this.send(id);
    }
    this.guard.installTask({ delta: 500 });
  }

  stop() {
    this.guard.suspendTask();
    this.close();
  }
}

/** Returns the processor time that a process has used, in milliseconds. */
function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
}

async function measure(pid, request, count) {
  const load = new Load(request, count);
  const before = processorTime(pid);
  const begun = performance.now();
  load.start();
  new FunctionTask(() => core.stop()).installTask({ delta: PERIOD });
  await core.run();
  const elapsed = performance.now() - begun;
  const used = processorTime(pid) - before;
  load.stop();
  const sorted = Float64Array.from(load.latencies).toSorted();
  return {
    rate: sorted.length / (elapsed / 1000),
    median: sorted[sorted.length >> 1] * 1000,
    cost: (used / sorted.length) * 1000,
  };
}

async function measureDevice(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    child.stdout.resume();
    const results = {};
    for (const [name, request] of Object.entries(REQUESTS)) {
      // The first one warms up.
      await measure(child.pid, request, OUTSTANDING);
      const many = await measure(child.pid, request, OUTSTANDING);
      const one = await measure(child.pid, request, 1);
      results[name] = { rate: many.rate, cost: many.cost, latency: one.median };
    }
    return results;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}

const format = (value) => (value < 100 ? value.toFixed(1) : String(Math.round(value)));

async function main() {
  const results = [];
  for (const [, command, args] of DEVICES) results.push(await measureDevice(command, args));
  const [theirs, ours] = results;
  console.log('| request | what | BACpypes 0.19 | this device | ratio |\n| --- | --- | --- | --- | --- |');
  for (const name of Object.keys(REQUESTS)) {
    for (const [key, what] of [
      ['rate', `requests a second, ${OUTSTANDING} at a time`],
      ['latency', 'median latency, one at a time, µs'],
      ['cost', 'processor time for each, µs'],
    ]) {
      const [their, our] = [theirs[name][key], ours[name][key]];
      console.log(`| ${name} | ${what} | ${format(their)} | ${format(our)} | ${(our / their).toFixed(2)} |`);
    }
  }
}

void main();
