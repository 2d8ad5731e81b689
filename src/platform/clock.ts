/** The system's clocks. */

import { native } from './binding';
import { threadTime } from './real-timers';

/** A reading that takes longer than this, in milliseconds, was preempted and is repeated. */
const PREEMPTED = 0.002;

/** The maximum number of readings. The shortest one counts. */
const ATTEMPTS = 64;

/**
 * When this thread's own clock started, on the clock that all threads share. Measured at the first use. It is a little
 * too early rather than too late: a time that is told by it has been reached on that clock.
 */
let threadOrigin: number | undefined;

function measureThreadOrigin(): number {
  let [shortest, origin] = [Infinity, 0];
  for (let attempt = 0; attempt < ATTEMPTS && shortest > PREEMPTED; attempt += 1) {
    const before = native.monotonicTime();
    const own = threadTime();
    const took = native.monotonicTime() - before;
    if (took < shortest) {
      shortest = took;
      origin = before - own;
    }
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
