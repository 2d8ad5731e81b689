/** The clocks. */

import { performance } from 'node:perf_hooks';

import { native } from './native';

/** `performance.now()` counts from the start of its thread; this leads it back to the clock all threads share. */
const threadOrigin = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds, with fractions, on the monotonic clock: the same in every thread of the process. */
export function monotonicNow(): number {
  return threadOrigin + performance.now();
}

/**
 * What has to be added to a time on the monotonic clock to have milliseconds since the epoch, as the wall clock is set now. It
 * changes when somebody sets that.
 */
export function wallOffset(): number {
  return native.wallOffset();
}

/** How far the clocks may drift apart before tasks that go by the wall clock are put in order again, in milliseconds. */
export const CLOCK_TOLERANCE = 0.5;

/** The clocks that tasks go by: the system's, or a time machine's. */
export interface Clock {
  /** Milliseconds on a clock that nobody sets. */
  monotonic(): number;
  /** What leads from there to milliseconds since the epoch, now. */
  offset(): number;
}

/** The system's clocks. */
export const systemClock: Clock = { monotonic: monotonicNow, offset: wallOffset };
