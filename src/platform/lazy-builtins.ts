/**
 * The modules of Node that are loaded at their first use. Each costs 0.3 to 2 ms, together a third of what it cost to
 * load this package, and many programs need none of them.
 */

import type * as nodeOs from 'node:os';
import type * as nodePerfHooks from 'node:perf_hooks';
import type * as nodeV8 from 'node:v8';
import type * as nodeWorkerThreads from 'node:worker_threads';

import { nodeProcess } from './node-process';

function lazily<T>(load: () => T): () => T {
  let loaded: T | undefined;
  return () => (loaded ??= load());
}

export const workerThreads: () => typeof nodeWorkerThreads = lazily(() =>
  nodeProcess.getBuiltinModule('node:worker_threads'),
);

export const v8: () => typeof nodeV8 = lazily(() => nodeProcess.getBuiltinModule('node:v8'));

export const perfHooks: () => typeof nodePerfHooks = lazily(() => nodeProcess.getBuiltinModule('node:perf_hooks'));

export const os: () => typeof nodeOs = lazily(() => nodeProcess.getBuiltinModule('node:os'));

/**
 * Makes `postMessage()` and `structuredClone()` throw a DataCloneError for `object`, on a Node that can (22.10 and
 * newer). An older one delivers an empty object.
 */
export function markAsUncloneable(object: object): void {
  const { markAsUncloneable: mark } = workerThreads() as { markAsUncloneable?: (value: object) => void };
  mark?.(object);
}

let canMarkAsUntransferable = true;

/** Makes a transfer of `buffer` fail. Returns false where that cannot be done: in Bun 1.3. */
export function markAsUntransferable(buffer: ArrayBuffer): boolean {
  if (canMarkAsUntransferable) {
    try {
      workerThreads().markAsUntransferable(buffer);
    } catch {
      canMarkAsUntransferable = false;
    }
  }
  return canMarkAsUntransferable;
}
