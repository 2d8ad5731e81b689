// Calls an asynchronous function synchronously, as synckit's createSyncFn() and runAsWorker() do: a worker runs it, and
// this thread blocks for its result.
//
//   node examples/synckit.js [FILE]
'use strict';

require('./support/help')(__filename);
const { readFile } = require('node:fs/promises');
const { isMainThread } = require('node:worker_threads');
const { TaskWorker, serve } = require('waitable-event/pool');

/** Returns a function that blocks for what the worker's function resolves with, and throws what it rejects with. */
function createSyncFn(filename, timeout = 5000) {
  const worker = new TaskWorker(filename);
  worker.unref();
  const tasks = worker.readySync(timeout);
  return (...args) => tasks.callSync('run', args, { timeout });
}

/** Serves a function to createSyncFn(). */
function runAsWorker(fn) {
  void serve({ run: (args) => fn(...args) });
}

if (isMainThread) {
  const countLines = createSyncFn(__filename);
  const file = process.argv[2] ?? __filename;
  try {
    console.log(countLines(file), 'lines');
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
} else {
  runAsWorker(async (file) => (await readFile(file, 'utf8')).split('\n').length - 1);
}
