/**
 * The modules of Node that are loaded at their first use. Each costs 0.3 to 2 ms, together a third of what it cost to
 * load this package, and many programs need none of them.
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
