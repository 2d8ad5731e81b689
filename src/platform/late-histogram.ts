/** Histograms that are made when they are read, or have become worth it. */

import type { RecordableHistogram } from 'node:perf_hooks';

import { recordMilliseconds } from '../util';
import { perfHooks } from './lazy-builtins';

/** How many times are kept before they are recorded, all at once. */
const MOST_KEPT = 64;

/**
 * A histogram of times. To make one takes 12 kB and 60 µs, as long as the first twenty tasks of a thread. To record a
 * time after milliseconds of sleep takes 4 µs, and 0.3 µs directly after another one.
 */
export class LateHistogram {
  #kept: number[] = [];
  #histogram: RecordableHistogram | undefined;
  #isRead = false;

  /** The histogram. It has every time that is recorded from now on. */
  get histogram(): RecordableHistogram {
    this.#isRead = true;
    return this.#recordKept();
  }

  /** Records a time in milliseconds. */
  record(milliseconds: number): void {
    this.#kept.push(milliseconds);
    if (this.#isRead || this.#kept.length === MOST_KEPT) {
      this.#recordKept();
    }
  }

  #recordKept(): RecordableHistogram {
    const histogram = (this.#histogram ??= perfHooks().createHistogram());
    const kept = this.#kept;
    this.#kept = [];
    kept.forEach((milliseconds) => recordMilliseconds(histogram, milliseconds));
    return histogram;
  }
}
