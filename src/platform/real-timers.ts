/**
 * The timers and the clock of Node itself. Test runners replace the global ones by fakes that stand still
 * (`jest.useFakeTimers()`, vitest, sinon, `mock.timers`). A run loop that used those would stand still too.
 */

import * as timers from 'node:timers';

import { perfHooks } from './lazy-builtins';

/** The functions as they were when this module was loaded: some fakes replace those of `node:timers` as well. */
export const setImmediate: typeof timers.setImmediate = timers.setImmediate;
export const setTimeout: typeof timers.setTimeout = timers.setTimeout;
export const clearTimeout: typeof timers.clearTimeout = timers.clearTimeout;
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;

let now: (() => number) | undefined;

/** Returns the milliseconds since this thread started. */
export function threadTime(): number {
  now ??= findNow();
  return now();
}

/** Returns `now()` of the class of `performance`: fakes replace that of the object. Bun has it in the object alone. */
function findNow(): () => number {
  const { performance } = perfHooks();
  const prototype = Object.getPrototypeOf(performance) as typeof performance;
  return ('now' in prototype ? prototype : performance).now.bind(performance);
}
