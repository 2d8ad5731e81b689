// Reads a file or a FIFO in a worker that blocks in runSync(), as a thread of BACpypes would. The worker schedules each
// line as a task of the main thread. The main thread stays free, and sets an event when it has enough lines.
//
//   yes | node examples/worker.js /dev/stdin 3
'use strict';

require('./support/help')(__filename);
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
    core.stop();
  }
}

function work({ path, manager, enough }) {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const lines = Object.assign(new Lines(fd), { tasks: TaskManager.connect(manager) });
  closeSync(fd);
  const event = Object.assign(WaitableEvent.open(enough), { handleRead: () => core.stop() });
  event.addChannel();
  core.runSync(); // until the end, or the event
  lines.close();
}

function main(path, wanted) {
  const enough = new WaitableEvent();
  let count = 0;
  core.taskManager.define('line', (line) => {
    count += 1;
    if (count <= wanted) console.log(`line ${count}: ${line}`);
    if (count === wanted) enough.set();
  });
  const manager = core.taskManager.handle;
  const worker = new Worker(__filename, { workerData: { path, manager, enough: enough.handle } });
  worker.once('error', (error) => console.error(error.message));
  worker.once('exit', (code) => {
    process.exitCode = code;
    core.deferred(core.stop); // after the tasks that it has sent
  });
  void core.run({ close: true }).then(() => console.log(`the worker has ended with ${process.exitCode}`));
}

const [path = '/dev/stdin', wanted = 'Infinity'] = process.argv.slice(2);
if (!isMainThread) work(workerData);
else if (Number(wanted) > 0) main(path, Number(wanted));
else {
  console.error('usage: node examples/worker.js [FILE [LINES]]');
  process.exitCode = 2;
}
