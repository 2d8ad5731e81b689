'use strict';
// Tasks of one process: a worker thread schedules them, and the main thread runs them.

const { join } = require('node:path');
const { Worker } = require('node:worker_threads');
const { core } = require('waitable-event');

async function main() {
  core.taskManager.define('add', ([a, b]) => a + b);
  core.taskManager.define('resize', ({ width }) => console.log(`resized to ${width}`));

  new Worker(join(__dirname, 'worker.js'), { workerData: core.taskManager.handle });
  await core.run({ stopOn: ['SIGTERM'] });
  process.exit();
}

void main();
