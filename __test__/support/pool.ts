/** Workers and pools for tests. They end when the test is over. */

import type { TaskPoolOptions, TaskWorkerOptions } from 'waitable-event/pool';
import { TaskPool, TaskWorker } from 'waitable-event/pool';

import { finallyDo } from './clean-up';
import { fixture } from './files';
import { TIME_LIMIT } from './threads';
import { within } from './timing';

/** A module that serves a handler for each case. */
export const MODULE: string = fixture('pool/serve-many.js');

/** Starts a worker. */
export function startWorker(module: string | URL = MODULE, options: TaskWorkerOptions = {}): TaskWorker {
  const worker = new TaskWorker(module, options);
  finallyDo(() => worker.terminate());
  return worker;
}

/** Makes a pool. */
export function startPool(options: TaskPoolOptions = {}, module: string | URL = MODULE): TaskPool {
  const pool = new TaskPool(module, options);
  finallyDo(() => pool.destroy());
  return pool;
}

/** Returns the reason for which a promise is rejected. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let reason: unknown;
  try {
    const result = await within(promise, 'a rejection');
    reason = new Error(`not rejected: ${String(result)}`);
  } catch (error) {
    reason = error;
  }
  return reason;
}

/** Returns words to share with a worker. */
export function makeSharedWords(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(8));
}

export { TIME_LIMIT, within };
