// A worker asks the main thread for something and blocks for the answer. BACpypes' samples do that with deferred() and
// iocb.wait().
//
//   node examples/request.js
'use strict';

require('./support/help')(__filename);
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { TaskManager, core } = require('waitable-event');

if (isMainThread) {
  const limits = new Map([['boiler', 80]]);
  core.taskManager.define('limit', (device) => {
    if (!limits.has(device)) {
      throw new RangeError(`no such device: ${device}`);
    }
    return limits.get(device);
  });
  const worker = new Worker(__filename, { workerData: core.taskManager.handle });
  worker.on('exit', () => core.stop());
  core.run({ close: true });
} else {
  const manager = TaskManager.connect(workerData);
  console.log('limit of the boiler:', manager.callSync('limit', 'boiler'));
  try {
    manager.callSync('limit', 'toaster', { timeout: 1000 });
  } catch (error) {
    console.log(`${error.name}: ${error.message}`);
  }
}
