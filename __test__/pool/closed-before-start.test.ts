/** A worker that begins after its pool has given it up: in Deno, terminate() does not stop a thread at once. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker, getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

import { expect, test } from '@jest/globals';
import { WaitableEvent, core } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { root, temporaryPath } from '../support/files';

/** The place of what a worker of a pool is told. */
const KEY = 'waitable-event.worker';

/** Starts what each worker of a pool starts, for a module with this source. Resolves with its end. */
function startWorker(answered: WaitableEvent, source: string): Promise<{ code: number; error: unknown }> {
  const module = temporaryPath('module.cjs');
  writeFileSync(module, source);
  const before = getEnvironmentData(KEY);
  const start = {
    thread: new Int32Array(new SharedArrayBuffer(4)),
    module,
    channel: 'closed-before-start',
    answered: answered.handle,
    parent: core.taskManager.handle,
    concurrency: 1,
  };
  setEnvironmentData(KEY, start);
  const worker = new Worker(join(root, 'lib/pool-worker.js'));
  setEnvironmentData(KEY, before);
  let error: unknown;
  worker.once('error', (thrown) => {
    error = thrown;
  });
  return new Promise((resolve) => {
    worker.once('exit', (code) => resolve({ code, error }));
  });
}

test('a worker that its pool has given up ends without an error, and does not load its module', async () => {
  const answered = new WaitableEvent();
  const ended = startWorker(answered, 'process.exit(3);');
  answered.close();
  expect(await ended).toEqual({ code: 0, error: undefined });
});

test('a worker that its pool gives up later serves without an error', async () => {
  const answered = new WaitableEvent();
  finallyDo(() => answered.close());
  const source = `
    const { getEnvironmentData } = require('node:worker_threads');
    const { WaitableEvent } = require(${JSON.stringify(root)});
    const { serve } = require(${JSON.stringify(join(root, 'lib/pool.js'))});
    WaitableEvent.open(getEnvironmentData('${KEY}').answered).close();
    serve({});
    setImmediate(() => process.exit(3));`;
  expect(await startWorker(answered, source)).toEqual({ code: 3, error: undefined });
});
