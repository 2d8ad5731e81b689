/**
 * How long before its deadline an alarm is set.
 *
 * An alarm reaches JavaScript some time after it has expired: the kernel wakes the thread, libuv polls, native code
 * calls JavaScript, whose code the processor has not in its caches any more. That takes 15 µs after a short sleep and
 * 150 µs after a long one. The thread learns how long it takes at least, and sets its alarms that much earlier. What
 * comes before its deadline all the same is waited for awake, so nothing happens early.
 *
 * Measured: a task is 16 µs late in place of 42 (due in 0.3 ms), 7 in place of 28 (1 ms), 33 in place of 72 (10 ms).
 */

import { monotonicNow } from './clock';

/** The longest lead, in milliseconds. */
const LONGEST = 0.2;

/** The part of the difference by which a slow alarm moves the lead. A fast one sets it at once. */
const SHARE = 1 / 16;

/**
 * The lead of the alarms of one thread. It is close to the least of what the last alarms took, as a longer one would
 * keep the thread awake for nothing: after `n` slow alarms a fast one can cost `n / 16` of {@link LONGEST}, once.
 */
export class AlarmLead {
  #length = 0;
  /** The deadline of the alarm that is set or has just come, and the time for which it was set. */
  #deadline = Infinity;
  #expiry = Infinity;

  /** The present lead, in milliseconds. */
  get length(): number {
    return this.#length;
  }

  /** Learns that the alarm for `deadline` was set `delay` milliseconds from `time`. */
  onSet(deadline: number, time: number, delay: number): void {
    this.#deadline = deadline;
    this.#expiry = time + delay;
  }

  /** Returns up to which time deadlines are reached at `time`, when an alarm has come: it may be ahead of its own. */
  horizon(time: number): number {
    // The kernel may report an alarm that has been replaced since.
    return this.#deadline - time <= LONGEST ? Math.max(time, this.#deadline) : time;
  }

  /** Stays awake until `deadline`, which is not after the {@link horizon}. */
  reach(deadline: number): void {
    let time = monotonicNow();
    if (deadline === this.#deadline) {
      this.#deadline = Infinity;
      this.learn(time - this.#expiry);
    }
    while (time < deadline) {
      time = monotonicNow();
    }
  }

  /** Learns that an alarm took `latency` milliseconds from its expiry to the work that is due. */
  learn(latency: number): void {
    this.#length =
      latency < this.#length
        ? Math.max(latency, 0)
        : this.#length + (Math.min(latency, LONGEST) - this.#length) * SHARE;
  }
}
