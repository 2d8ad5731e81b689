'use strict';
/** Measures how many tasks a second arrive in the main thread: workers produce, and the main thread counts. */

const { parentPort } = require('node:worker_threads');

const { TaskManager, core } = require('../..');
const { openRing } = require('./js-ring');
const { loadCaller } = require('./native');
const { startPartner } = require('./partner');

/**
 * Rounds are long also in the quick run: the more messages wait, the more each one costs, and a short round would not
 * show that.
 */
const longRounds = { leastRoundTime: 100, mostRounds: ({ quick }) => (quick ? 5 : Infinity) };

/** Times what arrives, from the moment the workers are told to produce to the last arrival. */
class Arrivals {
  /** Counts an arrival. No bound function: in Bun each call of one costs 8 ns, which is not what is measured. */
  arrived = () => {
    this.left -= 1;
    if (this.left === 0) {
      this.resolve([((performance.now() - this.before) * 1e6) / this.count]);
    }
  };

  /** Resolves with the nanoseconds of each of `count` arrivals. */
  expect(count) {
    this.count = count;
    this.left = count;
    this.before = performance.now();
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

/** Makes each worker produce its share. */
function produce(workers, count) {
  for (const worker of workers) {
    worker.postMessage(count / workers.length);
  }
}

/** Returns the next count that all workers can share evenly. */
function sharedOut(count, workers) {
  return Math.ceil(count / workers) * workers;
}

async function startWorkers(file, partner, number, data) {
  const started = await Promise.all(Array.from({ length: number }, () => startPartner(file, partner, data)));
  return started.map(({ worker }) => worker);
}

/** Returns a contender whose workers post to the main thread. */
function posting(file, { name = 'postMessage', workers: number = 1, payload, x } = {}) {
  return {
    name,
    x,
    async setup() {
      const arrivals = new Arrivals();
      const workers = await startWorkers(file, 'post', number, payload);
      workers.forEach((worker) => worker.on('message', arrivals.arrived));
      return (count) => {
        const all = sharedOut(count, number);
        const done = arrivals.expect(all);
        produce(workers, all);
        return done;
      };
    },
  };
}

/** Returns a contender whose workers schedule tasks of the main thread, which is in `run()`. */
function scheduling(file, { name = 'schedule()', workers: number = 1, payload, x } = {}) {
  return {
    name,
    x,
    ours: true,
    async setup() {
      const arrivals = new Arrivals();
      core.taskManager.define('arrive', arrivals.arrived);
      const workers = await startWorkers(file, 'schedule', number, { handle: core.taskManager.handle, payload });
      void core.run();
      return (count) => {
        const all = sharedOut(count, number);
        const done = arrivals.expect(all);
        produce(workers, all);
        return done;
      };
    },
  };
}

/** Returns a contender whose worker writes into the ring of js-ring.js. */
function ringing(file, { name, codec, payload }) {
  return {
    name,
    async setup() {
      const arrivals = new Arrivals();
      const ring = openRing(codec);
      const [worker] = await startWorkers(file, 'ring', 1, { codec, memory: ring.memory, payload });
      worker.on('message', () => ring.drain(arrivals.arrived));
      return (count) => {
        const done = arrivals.expect(count);
        produce([worker], count);
        return done;
      };
    },
  };
}

/** Returns a contender whose native thread calls a threadsafe function with a number. */
function calling() {
  return {
    name: 'threadsafe function',
    setup() {
      const Caller = loadCaller();
      const arrivals = new Arrivals();
      const caller = new Caller(arrivals.arrived);
      return (count) => {
        const done = arrivals.expect(count);
        caller.request(count);
        return done;
      };
    },
  };
}

/** The workers' side. */
const producers = {
  post(payload, ready) {
    parentPort.on('message', (count) => {
      for (let index = 0; index < count; index += 1) {
        parentPort.postMessage(payload);
      }
    });
    ready();
  },
  ring({ codec, memory, payload }, ready) {
    const ring = openRing(codec, memory);
    const wake = () => parentPort.postMessage(0);
    parentPort.on('message', (count) => {
      for (let index = 0; index < count; index += 1) {
        ring.push(payload, wake);
      }
    });
    ready();
  },
  schedule({ handle, payload }, ready) {
    const manager = TaskManager.connect(handle, { onFull: 'block' });
    parentPort.on('message', (count) => {
      for (let index = 0; index < count; index += 1) {
        manager.schedule('arrive', payload);
      }
    });
    ready();
  },
};

module.exports = { calling, longRounds, posting, producers, ringing, scheduling };
