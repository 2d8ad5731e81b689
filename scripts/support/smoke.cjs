'use strict';

// Uses each part of the package once, and prints which binding did that. A worker does what a worker would.
const assert = require('node:assert');
const { basename } = require('node:path');
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { TaskManager, WaitableEvent, core, select, selectAsync } = require('waitable-event');

const LIMIT = 60_000;

async function main() {
  const [ping, pong] = [new WaitableEvent(), new WaitableEvent()];
  const manager = core.taskManager;
  manager.define('add', (one) => one + 1);
  let sum;
  manager.define('sum', (value) => {
    sum = value;
    core.stop();
  });
  const worker = new Worker(__filename, {
    workerData: { ping: ping.handle, pong: pong.handle, manager: manager.handle },
  });

  ping.set();
  assert.strictEqual(await pong.waitAsync(LIMIT), true);
  assert.deepStrictEqual(select([ping, pong], [], [], 0), [[ping, pong], [], []]);
  assert.deepStrictEqual(await selectAsync([pong], [], [], LIMIT), [[pong], [], []]);
  assert.strictEqual(new WaitableEvent().wait(5.5), false);
  await core.run();
  assert.strictEqual(sum, 42);
  // The worker blocks.
  assert.strictEqual(await worker.terminate(), 1);

  const binding = Object.keys(require.cache).find((path) => path.endsWith('.node'));
  console.log(`Node ${process.version}, ${process.arch}: ${basename(binding)} works`);
}

function work() {
  assert.strictEqual(WaitableEvent.open(workerData.ping).wait(LIMIT), true);
  WaitableEvent.open(workerData.pong).set();
  const remote = TaskManager.connect(workerData.manager);
  remote.schedule('sum', remote.callSync('add', 41, { timeout: LIMIT }));
  new WaitableEvent().wait();
}

if (isMainThread) void main();
else work();
