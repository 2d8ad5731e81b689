'use strict';

// A thread that ends the process when its main thread makes no progress, and then prints what each thread did last.

const { parentPort, workerData } = require('node:worker_threads');

const { ActorLog } = require('./actor-log');
const { print } = require('./print');

/** How often it looks, in milliseconds. */
const INTERVAL = 500;
/** How long the end of the process may take, in milliseconds. */
const END_LIMIT = 3000;

const { progress, limit } = workerData;
const logs = [new ActorLog('main', workerData.memory)];
let seen = -1;
let since = process.hrtime.bigint();

parentPort.on('message', ({ name, memory, isEnding }) => {
  if (isEnding) {
    // process.exit() waits for all threads, one of which may be what hangs.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_LIMIT);
  } else {
    logs.push(new ActorLog(name, memory));
  }
});

setInterval(() => {
  const now = process.hrtime.bigint();
  const value = Atomics.load(progress, 0);
  if (value !== seen) {
    seen = value;
    since = now;
  } else if (Number(now - since) / 1e6 > limit) {
    // The main thread may be blocked for good, so process.exit() would be as well.
    print(2, `Finding: a hang: no end after ${limit} ms\n${logs.join('\n')}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}, INTERVAL);
