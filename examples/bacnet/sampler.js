'use strict';
/** The worker that measures: it schedules each value in the main thread, and blocks in its own loop in between. */

const { workerData } = require('node:worker_threads');

const { TaskManager, core, recurringFunction } = require('../..');

const { handle, interval } = workerData;
const manager = TaskManager.connect(handle);
let minutes = 0;

recurringFunction(interval)(function sample() {
  minutes += 1;
  // A sensor that swings by two degrees in an hour. A read that blocks would do no harm here.
  manager.schedule('sample', 20 + 2 * Math.sin((minutes * Math.PI) / 30));
});
core.runSync();
