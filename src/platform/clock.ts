/** The system's clocks. */

import { native } from './binding';
import { threadTime } from './real-timers';

/** How many readings are taken. The first ones are slow, and any of them may be preempted. */
const READINGS = 16;

/**
 * When this thread's own clock started, on the clock that all threads share. Measured at the first use. It is a little
 * too early rather than too late: a time that is told by it has been reached on that clock.
 */
let threadOrigin: number | undefined;

/** Each reading is too early by the time between its two clocks, so the latest one is the best. */
function measureThreadOrigin(): number {
  let origin = Number.NEGATIVE_INFINITY;
  for (let reading = 0; reading < READINGS; reading += 1) {
    origin = Math.max(origin, native.monotonicTime() - threadTime());
  }
  return origin;
}

/** Returns the time on the monotonic clock in milliseconds, with fractions: the same in all threads of the process. */
export function monotonicNow(): number {
  threadOrigin ??= measureThreadOrigin();
  return threadOrigin + threadTime();
}

/**
 * Returns what has to be added to a time on the monotonic clock to get milliseconds since the epoch. It changes when
 * the wall clock is set.
 */
export function wallOffset(): number {
  return native.wallOffset();
}

/** How far the clocks may drift apart before tasks on the wall clock are put in order again, in milliseconds. */
export const CLOCK_TOLERANCE = 0.5;

/** The clocks that tasks use: those of the system or of a time machine. */
export interface Clock {
  /** Returns the time on a clock that is never set, in milliseconds. */
  monotonic(): number;
  /** Returns what has to be added to that to get milliseconds since the epoch. */
  offset(): number;
}

/** The clocks of the system. */
export const systemClock: Clock = { monotonic: monotonicNow, offset: wallOffset };
