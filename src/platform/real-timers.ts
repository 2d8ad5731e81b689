/**
 * Node's own timers and clocks. Test runners replace the global ones by fakes that stand still (`jest.useFakeTimers()`, vitest, sinon,
 * `mock.timers`); a run loop that took those would stand still too, for ever.
 */

import * as timers from 'node:timers';

import { perfHooks } from './lazy-builtins';

/** As they were when this was loaded: some fakes replace those of the module as well. */
export const setImmediate: typeof timers.setImmediate = timers.setImmediate;
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;

let now: (() => number) | undefined;

/** Milliseconds since the start of this thread. */
export function threadTime(): number {
  now ??= findNow();
  return now();
}

/** `performance.now()` of the class: fakes replace that of the object. */
function findNow(): () => number {
  const { performance } = perfHooks();
  const prototype = Object.getPrototypeOf(performance) as typeof performance;
  return prototype.now.bind(performance);
}
