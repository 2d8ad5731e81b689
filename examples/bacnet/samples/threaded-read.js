'use strict';
/**
 * BACpypes' ThreadedReadProperty.py: threads that block until their reads are answered. One socket serves all.
 *
 *   node examples/bacnet/samples/threaded-read.js ADDRESS [PORT]
 *
 * What differs: a thread calls a task of the main thread by `callSync()`, where BACpypes waits for an IOCB.
 */

const { Worker, isMainThread, threadId, workerData } = require('node:worker_threads');

const { TaskManager, core } = require('../../..');

const THREADS = 3;
const READS = [
  { type: 0, instance: 1 },
  { type: 2, instance: 1 },
  { type: 2, instance: 99 },
];
const PRESENT_VALUE = 85;

function readInThread() {
  const manager = TaskManager.connect(workerData);
  for (const object of READS) {
    try {
      const [value] = manager.callSync('read', object);
      manager.callSync('print', `thread ${threadId} has read ${object.type},${object.instance}: ${value}`);
    } catch (error) {
      manager.callSync('print', `thread ${threadId} was refused ${object.type},${object.instance}: ${error.message}`);
    }
  }
  manager.close();
}

async function main([address, port = '47808']) {
  const { Client } = require('../client');
  const client = new Client('0.0.0.0');
  const to = { address, port: Number(port) };
  core.taskManager.define('read', (object) => client.readProperty(to, object, PRESENT_VALUE));
  core.taskManager.define('print', (line) => console.log(line));
  let left = THREADS;
  for (let count = 0; count < THREADS; count += 1) {
    new Worker(__filename, { workerData: core.taskManager.handle }).on('exit', () => (left -= 1) || core.stop());
  }
  await core.run({ stopOn: ['SIGINT', 'SIGTERM'], close: true });
  client.close();
}

if (!isMainThread) {
  readInThread();
} else if (process.argv.length < 3 || process.argv.includes('--help')) {
  console.log('Usage: node examples/bacnet/samples/threaded-read.js ADDRESS [PORT]');
} else {
  void main(process.argv.slice(2));
}
