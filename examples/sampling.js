// A worker takes readings and sends each one to the main thread. One wake-up serves many readings.
//
//   node examples/sampling.js
'use strict';

require('./support/help')(__filename);
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { TaskManager, core } = require('waitable-event');

const READINGS = 1000;

if (isMainThread) {
  let count = 0;
  let sum = 0;
  core.taskManager.define('reading', ({ celsius }) => {
    count += 1;
    sum += celsius;
    if (count === READINGS) {
      core.stop();
    }
  });
  new Worker(__filename, { workerData: core.taskManager.handle });
  core.run({ close: true }).then(() => {
    const { wakeUps } = core.taskManager.stats();
    console.log(`${count} readings, ${(sum / count).toFixed(1)} °C on average, ${wakeUps} wake-ups`);
  });
} else {
  const manager = TaskManager.connect(workerData);
  for (let index = 0; index < READINGS; index += 1) {
    manager.schedule('reading', { sensor: 7, celsius: 20 + Math.sin(index) });
  }
  manager.close();
}
