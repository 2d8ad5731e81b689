'use strict';

// A thread of a program: plays one role after the other.

const { parentPort, workerData } = require('node:worker_threads');

const { ActorLog } = require('./actor-log');
const { Dice } = require('./dice');

const { name, memory, isTraced } = workerData;
const log = new ActorLog(name, memory);
log.isTraced = isTraced;

async function play({ file, role, seed, data }) {
  try {
    const value = await require(file)[role]({ dice: new Dice(seed), log, ...data });
    parentPort.postMessage({ value });
  } catch (error) {
    parentPort.postMessage({ failure: `${error?.stack ?? error}` });
  }
}

parentPort.on('message', (part) => void play(part));
if (workerData.part !== undefined) {
  void play(workerData.part);
}
