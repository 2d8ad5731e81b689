'use strict';
/** Measures wake-ups that are far apart: each one finds the threads asleep and the caches cold. */

const { parentPort } = require('node:worker_threads');

const { TaskManager, core } = require('../..');
const { openRing } = require('../lib/js-ring');
const { loadAsync } = require('../lib/native');
const { bePartner, startPartner } = require('../lib/partner');

/** Milliseconds between two wake-ups. */
const [SHORTEST, LONGEST] = [1, 4];

/** Returns nanoseconds on a clock that all threads share. */
const now = () => Number(process.hrtime.bigint());

/** Returns the nanoseconds that all threads of the process have run. */
function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** Measures how long after it was sent each of `count` wake-ups arrives. */
class Arrivals {
  constructor() {
    this.arrived = this.arrived.bind(this);
  }

  run(count, start) {
    this.latency = new Float64Array(count);
    this.index = 0;
    return new Promise((resolve) => {
      this.done = resolve;
      this.before = processorTime();
      start();
    });
  }

  arrived(sent) {
    this.latency[this.index] = now() - sent;
    this.index += 1;
    if (this.index === this.latency.length) {
      this.done({ latency: this.latency, processor: [(processorTime() - this.before) / this.latency.length] });
    }
  }
}

const parts = (name) => ({ latency: `${name}, latency`, processor: `${name}, processor time` });

const contenders = [
  {
    name: 'ring',
    kind: 'limit',
    parts: parts('ring'),
    async setup() {
      const arrivals = new Arrivals();
      const ring = openRing('record');
      const async = loadAsync().open(() => ring.drain(arrivals.arrived));
      const { worker } = await startPartner(__filename, 'ring', { memory: ring.memory, async });
      return (count) => arrivals.run(count, () => worker.postMessage(count));
    },
  },
  {
    name: 'postMessage',
    parts: parts('postMessage'),
    async setup() {
      const arrivals = new Arrivals();
      const { worker } = await startPartner(__filename, 'post');
      worker.on('message', arrivals.arrived);
      return (count) => arrivals.run(count, () => worker.postMessage(count));
    },
  },
  {
    name: 'schedule()',
    ours: true,
    parts: parts('schedule()'),
    async setup() {
      const arrivals = new Arrivals();
      core.taskManager.define('arrive', arrivals.arrived);
      const { worker } = await startPartner(__filename, 'schedule', core.taskManager.handle);
      void core.run();
      return (count) => arrivals.run(count, () => worker.postMessage(count));
    },
  },
];

/** Sends the time `count` times. Between two of them the worker sleeps, and gives way to nothing. */
function produce(send) {
  const word = new Int32Array(new SharedArrayBuffer(4));
  parentPort.on('message', (count) => {
    for (let index = 0; index < count; index += 1) {
      Atomics.wait(word, 0, 0, SHORTEST + Math.random() * (LONGEST - SHORTEST));
      send(now());
    }
  });
}

module.exports = {
  title: 'Sparse wake-ups',
  text:
    `A worker wakes the main thread every ${SHORTEST} to ${LONGEST} ms. The latency of each wake-up, and the ` +
    'processor time of the whole process for each, with the sleeps of the worker. The limit is the JavaScript ring ' +
    'of records, with an addon that calls uv_async_send and nothing else.',
  chart: 'bars',
  // 4000 in all.
  count: ({ quick }) => (quick ? 200 : 1000),
  warmUps: 1,
  generations: 2,
  mostRounds: ({ quick }) => (quick ? 2 : 4),
  contenders,
  targets: ['latency', 'processor time'].map((part) => ({
    row: '31',
    ours: `schedule(), ${part}`,
    against: `postMessage, ${part}`,
    atMost: 1,
    limit: `ring, ${part}`,
  })),
};

bePartner({
  ring({ memory, async }, ready) {
    const ring = openRing('record', memory);
    const { send } = loadAsync();
    const wake = () => send(async);
    produce((sent) => ring.push(sent, wake));
    ready();
  },
  post(_, ready) {
    produce((sent) => parentPort.postMessage(sent));
    ready();
  },
  schedule(handle, ready) {
    const manager = TaskManager.connect(handle);
    produce((sent) => manager.schedule('arrive', sent));
    ready();
  },
});
