/** The clocks. */

import { performance } from 'node:perf_hooks';

/** `performance.now()` counts from the start of its thread; this leads it back to the clock all threads share. */
const threadOrigin = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds, with fractions, on the monotonic clock: the same in every thread of the process. */
export function monotonicNow(): number {
  return threadOrigin + performance.now();
}

/** Milliseconds since the epoch, with fractions, on the wall clock as it is set now. */
export function wallNow(): number {
  return Date.now();
}
