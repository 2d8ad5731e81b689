'use strict';

const { workerData } = require('node:worker_threads');
const { TaskManager } = require('waitable-event');

async function main() {
  const tasks = TaskManager.connect(workerData);
  console.log(`1 + 2 = ${await tasks.call('add', [1, 2])}`);
  tasks.schedule('resize', { width: 640 }, { delta: 500, key: 'a' });
  tasks.schedule('resize', { width: 1280 }, { delta: 500, key: 'a' }); // replaces the one before
}

void main();
