'use strict';
// Tasks of many machines: a worker thread schedules them, and any member of the queue runs them.

const { join } = require('node:path');
const { Worker } = require('node:worker_threads');
const { core } = require('waitable-event');
const { ClusterTaskManager } = require('waitable-event-bullmq');

async function main() {
  core.taskManager.define('add', ([a, b]) => a + b);
  core.taskManager.define('resize', ({ width }) => console.log(`resized to ${width}`));
  const cluster = await ClusterTaskManager.join(core.taskManager, { queue: 'images', connection: process.argv[2] });

  new Worker(join(__dirname, 'worker.js'), { workerData: cluster.handle });
  await core.run({ stopOn: ['SIGTERM'] });
  process.exit();
}

void main();
