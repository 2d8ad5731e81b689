/**
 * Those of Node's own modules that are dear to load (0.3 to 2 ms each, a third of what loading this package cost), and that not every
 * program needs: loaded when they are first used.
 */

import type * as nodeOs from 'node:os';
import type * as nodePerfHooks from 'node:perf_hooks';
import type * as nodeTimers from 'node:timers';
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

// Those below are loaded in any case. Here are Node's own: the fake timers of a test replace the global ones, and the loop is not
// to stand still with them.

const timers: typeof nodeTimers = process.getBuiltinModule('node:timers');

export const setImmediate: typeof timers.setImmediate = timers.setImmediate;

export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;

export const hrtime: NodeJS.HRTime = process.getBuiltinModule('node:process').hrtime;
