/** The clocks. */

import { native } from './binding';
import { threadTime } from './real-timers';

/** A reading that took longer than this, in milliseconds, is made again: the thread lost its core in the middle of it. */
const INTERRUPTED = 0.002;

/** How often at the most; the best one is taken. */
const ATTEMPTS = 64;

/** Leads from a thread's own time back to the clock all threads share. Found at the first use. */
let threadOrigin: number | undefined;

function findThreadOrigin(): number {
  let [shortest, origin] = [Infinity, 0];
  for (let attempt = 0; attempt < ATTEMPTS && shortest > INTERRUPTED; attempt += 1) {
    const before = native.monotonicTime();
    const own = threadTime();
    const took = native.monotonicTime() - before;
    if (took < shortest) {
      shortest = took;
      origin = before + took / 2 - own;
    }
  }
  return origin;
}

/** Milliseconds, with fractions, on the monotonic clock: the same in every thread of the process. */
export function monotonicNow(): number {
  threadOrigin ??= findThreadOrigin();
  return threadOrigin + threadTime();
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
