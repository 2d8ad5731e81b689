'use strict';
/**
 * Measures what a payload costs by its size. A worker sends bytes, and the next ones when these have arrived, so that
 * only one payload is in memory at a time.
 */

const { parentPort } = require('node:worker_threads');

const { TaskManager, core } = require('../..');
const { bePartner, startPartner } = require('../lib/partner');

const [KILO, MEGA] = [2 ** 10, 2 ** 20];
const SIZES = [8, 128, KILO, 16 * KILO, 128 * KILO, MEGA, 8 * MEGA, 64 * MEGA];

/** The largest size that travels in the ring, and the smallest that is mostly copying. */
const [SMALL, LARGE] = [KILO, 8 * MEGA];

const sizeText = (size) => (size < KILO ? `${size} B` : size < MEGA ? `${size / KILO} KiB` : `${size / MEGA} MiB`);

/** Counts what has arrived in a word for which the worker sleeps. */
class Arrivals {
  constructor() {
    this.word = new Int32Array(new SharedArrayBuffer(4));
    this.arrived = this.arrived.bind(this);
  }

  arrived() {
    this.left -= 1;
    Atomics.add(this.word, 0, 1);
    Atomics.notify(this.word, 0);
    if (this.left === 0) {
      this.resolve([((performance.now() - this.before) * 1e6) / this.count]);
    }
  }

  /** Resolves with the nanoseconds of each of `count` arrivals. */
  run(worker, count) {
    this.count = count;
    this.left = count;
    this.before = performance.now();
    worker.postMessage(count);
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

const contenders = SIZES.flatMap((size) => [
  {
    name: `postMessage, ${sizeText(size)}`,
    x: size,
    async setup() {
      const arrivals = new Arrivals();
      const { worker } = await startPartner(__filename, 'post', { size, word: arrivals.word });
      worker.on('message', arrivals.arrived);
      return (count) => arrivals.run(worker, count);
    },
  },
  {
    name: `schedule(), ${sizeText(size)}`,
    x: size,
    ours: true,
    async setup() {
      const arrivals = new Arrivals();
      core.taskManager.define('arrive', arrivals.arrived);
      const { handle } = core.taskManager;
      const { worker } = await startPartner(__filename, 'schedule', { size, word: arrivals.word, handle });
      void core.run();
      return (count) => arrivals.run(worker, count);
    },
  },
]);

/** Sends `count` times, each time when the last payload has arrived. */
function produce(size, word, send) {
  const payload = new Uint8Array(size).fill(1);
  parentPort.on('message', (count) => {
    for (let index = 0; index < count; index += 1) {
      const before = Atomics.load(word, 0);
      send(payload);
      Atomics.wait(word, 0, before);
    }
  });
}

module.exports = {
  title: 'One payload, by its size',
  text:
    'A worker sends bytes to the main thread, and the next ones when these have arrived: the wake-up, the copies, ' +
    'and the wake-up back. A payload longer than the queue travels in pieces.',
  chart: 'scaling',
  axis: 'bytes',
  // As many processes as elsewhere: in one process the C library keeps the memory of such payloads, and in the next it
  // gives it back to the kernel each time: 8 MiB take 1.7 ms, or 4 to 6 with 800 to 2000 page faults.
  mostRounds: ({ quick }) => (quick ? 2 : 9),
  contenders,
  targets: [SMALL, LARGE].map((size) => ({
    row: '34',
    ours: `schedule(), ${sizeText(size)}`,
    against: `postMessage, ${sizeText(size)}`,
    atMost: 1,
  })),
};

bePartner({
  post({ size, word }, ready) {
    produce(size, word, (payload) => parentPort.postMessage(payload));
    ready();
  },
  schedule({ size, word, handle }, ready) {
    const manager = TaskManager.connect(handle, { onFull: 'block' });
    produce(size, word, (payload) => manager.schedule('arrive', payload));
    ready();
  },
});
