'use strict';
/**
 * Measures what the first tasks of a fresh worker cost: `node cold.js WAY COUNT`, see `ways`. It prints
 * `[wall time, processor time]` of one batch in nanoseconds, from the worker's first call to the last arrival in the
 * main thread. The processor time is that of the whole process, with the threads of V8 that compile.
 */

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** Milliseconds in which the threads come to rest: before the first call, and after the last arrival. */
const SETTLE = 30;

/** Places of the times that the worker writes, in nanoseconds. */
const [FIRST_CALL, PROCESSOR, LAST_CALL] = [0, 1, 2];

/** Returns nanoseconds on a clock that all threads share. */
const now = () => Number(process.hrtime.bigint());

/** Returns the nanoseconds that all threads of the process have run. */
function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Number of records that each thread writes and reads beforehand, for a way that rehearses. */
const REHEARSED = 40;

/** Pushes as many numbers as `count` says. */
function pushAll(ring, count, wake) {
  for (let index = 0; index < count; index += 1) {
    ring.push(index, wake);
  }
}

/** The least that a way of JavaScript's own needs: the ring of records, and an addon that calls libuv alone. */
const ring = (rehearsed) => ({
  listen(arrived) {
    const { openRing } = require('../lib/js-ring');
    const { loadAsync } = require('../lib/native');
    const records = openRing('record');
    const async = loadAsync().open(() => records.drain(arrived));
    if (rehearsed > 0) {
      const others = openRing('record');
      pushAll(others, rehearsed, () => {});
      others.drain(() => {});
    }
    return { memory: records.memory, async };
  },
  connect({ memory, async }) {
    const { openRing } = require('../lib/js-ring');
    const { send } = require('../lib/native').loadAsync();
    const records = openRing('record', memory);
    const wake = () => send(async);
    if (rehearsed > 0) {
      pushAll(openRing('record'), rehearsed, () => {});
      wake();
    }
    return (count) => pushAll(records, count, wake);
  },
});

/** The ways, by their names: what the main thread does before the worker starts, and how the worker sends. */
const ways = {
  schedule: {
    listen(arrived) {
      const { core } = require('../..');
      core.taskManager.define('arrive', arrived);
      void core.run();
      return core.taskManager.handle;
    },
    connect(handle) {
      const { TaskManager } = require('../..');
      const manager = TaskManager.connect(handle, { onFull: 'block' });
      return (count) => {
        for (let index = 0; index < count; index += 1) {
          manager.schedule('arrive', index);
        }
      };
    },
  },
  postMessage: {
    listen() {},
    connect: () => (count) => {
      for (let index = 0; index < count; index += 1) {
        parentPort.postMessage(index);
      }
    },
  },
  ring: ring(0),
  rehearsedRing: ring(REHEARSED),
};

async function main(name, count) {
  const times = new Float64Array(new SharedArrayBuffer(3 * 8));
  let left = count;
  let arrival, done;
  const all = new Promise((resolve) => {
    done = resolve;
  });
  const arrived = () => {
    left -= 1;
    if (left === 0) {
      arrival = now();
      done();
    }
  };
  const handle = ways[name].listen(arrived);
  const worker = new Worker(__filename, { workerData: { name, count, handle, times } });
  await new Promise((resolve) => {
    worker.once('message', resolve);
  });
  if (name === 'postMessage') {
    worker.on('message', arrived);
  }
  await sleep(SETTLE);
  worker.postMessage('go');
  await all;
  await sleep(SETTLE);
  const processor = processorTime() - times[PROCESSOR];
  const wall = Math.max(arrival, times[LAST_CALL]) - times[FIRST_CALL];
  console.log(JSON.stringify([wall, processor]));
  process.exit();
}

function produce({ name, count, handle, times }) {
  const send = ways[name].connect(handle);
  // The listener stays: without one, the end of the worker would be part of the figures.
  parentPort.on('message', () => {
    // Both clocks have been read once by now: their first calls are no part of the figures.
    times[PROCESSOR] = processorTime();
    times[FIRST_CALL] = now();
    send(count);
    times[LAST_CALL] = now();
  });
  now();
  processorTime();
  parentPort.postMessage('ready');
}

if (isMainThread) {
  void main(process.argv[2], Number(process.argv[3]));
} else {
  produce(workerData);
}
