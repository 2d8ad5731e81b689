/** The doctor's workers, and how long it waits for them. */

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import type { Job } from './doctor-worker';

/** How long the doctor waits for one thing, in milliseconds. */
export const LIMIT = 10_000;

/** Starts a worker. */
export function startWorker(job: Job): Worker {
  return new Worker(join(__dirname, 'doctor-worker.js'), { workerData: job });
}

/**
 * Returns what `promise` resolves to. Rejects when that takes too long, and when `worker` fails: then nothing would
 * come.
 */
export async function within<T>(what: string, promise: Promise<T>, worker?: Worker): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onFailure: ((error: Error) => void) | undefined;
  const failure = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not come in ${LIMIT / 1000} s`)), LIMIT);
    onFailure = reject;
    worker?.once('error', onFailure);
  });
  try {
    return await Promise.race([promise, failure]);
  } finally {
    clearTimeout(timer);
    if (onFailure !== undefined) worker?.off('error', onFailure);
  }
}
