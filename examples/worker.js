'use strict';
/**
 * Reads a file or a FIFO in a worker that blocks in runSync(), as a thread of BACpypes would. The worker schedules each
 * line as a task of the main thread. The main thread stays free, and sets an event when it has enough lines.
 *
 *   yes | node examples/worker.js /dev/stdin 3
 */

const { closeSync, constants, openSync } = require('node:fs');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

const { FileDispatcher, TaskManager, WaitableEvent, core } = require('waitable-event');

class Lines extends FileDispatcher {
  #rest = '';

  handleRead() {
    const lines = (this.#rest + this.recv(4096)).split('\n');
    this.#rest = lines.pop();
    lines.forEach((line) => this.tasks.schedule('line', line));
  }

  handleClose() {
    this.close();
    core.stop();
  }
}

function work({ path, manager, enough }) {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const lines = new Lines(fd);
  closeSync(fd);
  lines.tasks = TaskManager.connect(manager);
  const event = WaitableEvent.open(enough);
  event.handleRead = () => core.stop();
  event.addChannel();
  core.runSync();
  lines.close();
  lines.tasks.schedule('end');
  lines.tasks.close();
}

async function main(path, wanted) {
  const enough = new WaitableEvent();
  let count = 0;
  core.taskManager.define('line', (line) => {
    count += 1;
    if (count <= wanted) {
      console.log(`line ${count}: ${line}`);
    }
    if (count === wanted) {
      enough.set();
    }
  });
  core.taskManager.define('end', () => core.stop());
  const data = { path, manager: core.taskManager.handle, enough: enough.handle };
  const worker = new Worker(__filename, { workerData: data });
  worker.once('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
    core.stop();
  });
  worker.once('exit', (code) => console.log(`the worker has ended with ${code}`));
  // The worker has ended, or is about to: what it still sends is refused.
  await core.run({ close: true });
}

if (isMainThread) {
  const [path = '/dev/stdin', count = 'Infinity'] = process.argv.slice(2);
  if (Number(count) > 0) {
    void main(path, Number(count));
  } else {
    console.error('usage: node examples/worker.js [FILE [LINES]]');
    process.exitCode = 2;
  }
} else {
  work(workerData);
}
