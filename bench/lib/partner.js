'use strict';
/** Runs the other thread of a contender: a function of the comparison's own file, by its name. */

const { once } = require('node:events');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** Starts the worker. Resolves with it and with the message that it sent when it was ready. */
async function startPartner(file, name, data) {
  const worker = new Worker(file, { workerData: { partner: name, data } });
  worker.on('error', (error) => {
    throw error;
  });
  const [answer] = await once(worker, 'message');
  return { worker, answer };
}

/** Runs the function for which the worker was started. The comparison's file calls this. */
function bePartner(partners) {
  if (!isMainThread && workerData?.partner !== undefined) {
    partners[workerData.partner](workerData.data, (answer) => parentPort.postMessage(answer ?? null));
  }
}

module.exports = { bePartner, startPartner };
