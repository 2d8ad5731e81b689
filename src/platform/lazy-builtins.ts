/**
 * Those of Node's own modules that are dear to load (0.3 to 2 ms each, a third of what loading this package cost), and that not every
 * program needs: loaded when they are first used.
 */

import type * as nodeOs from 'node:os';
import type * as nodePerfHooks from 'node:perf_hooks';
import type * as nodeV8 from 'node:v8';
import type * as nodeWorkerThreads from 'node:worker_threads';

function lazily<T>(load: () => T): () => T {
  let loaded: T | undefined;
  return () => (loaded ??= load());
}

export const workerThreads: () => typeof nodeWorkerThreads = lazily(() =>
  process.getBuiltinModule('node:worker_threads'),
);

export const v8: () => typeof nodeV8 = lazily(() => process.getBuiltinModule('node:v8'));

export const perfHooks: () => typeof nodePerfHooks = lazily(() => process.getBuiltinModule('node:perf_hooks'));

export const os: () => typeof nodeOs = lazily(() => process.getBuiltinModule('node:os'));
