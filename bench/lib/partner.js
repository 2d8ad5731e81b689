'use strict';
/** The other thread of a contender: a function of the comparison's own file, by its name. */

const { once } = require('node:events');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** Starts the worker; resolves with it and with what it said when it was ready. */
async function startPartner(file, name, data) {
  const worker = new Worker(file, { workerData: { partner: name, data } });
  worker.on('error', (error) => {
    throw error;
  });
  const [answer] = await once(worker, 'message');
  return { worker, answer };
}

/** In the comparison's file: runs the function that the worker was started for. */
function bePartner(partners) {
  if (!isMainThread && workerData?.partner !== undefined) {
    partners[workerData.partner](workerData.data, (answer) => parentPort.postMessage(answer ?? null));
  }
}

module.exports = { bePartner, startPartner };
