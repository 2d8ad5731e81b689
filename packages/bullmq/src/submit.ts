/**
 * What reaches the store: bounded in number and in time. In an outage the driver keeps commands without bound, so at
 * most 4096 are under way, and each is given up after the store timeout.
 */

import { QueueFullError } from 'waitable-event';

import { StoreUnavailableError } from './errors';
import { type Settings } from './options';
import { type Store } from './store';
import { type TaskQueue } from './task-data';
import { delay, isAwayError, within } from './waiting';

const MOST_UNDER_WAY = 4096;
/** The number of waiting tasks is asked for again after so many milliseconds, and after so many tasks. */
const LOOK_EVERY = 250;
const LOOK_AFTER = 256;

export class Submitter {
  readonly #settings: Settings;
  readonly #store: Store;
  readonly #queue: TaskQueue;
  #underWay = 0;
  readonly #admissions = new Set<() => void>();
  #isFailing = false;
  #room = 0;
  #lookedAt = -Infinity;

  constructor(settings: Settings, store: Store, queue: TaskQueue) {
    this.#settings = settings;
    this.#store = store;
    this.#queue = queue;
  }

  /** Runs an operation that may be repeated. Rejects with `ERR_STORE_UNAVAILABLE` when it has no answer in time. */
  async run<T>(what: string, operation: () => Promise<T>): Promise<T> {
    const { storeTimeout } = this.#settings;
    const deadline = performance.now() + storeTimeout;
    await this.#admit(what);
    try {
      for (let pause = 50; ; pause = Math.min(pause * 2, 1000)) {
        const left = Math.max(deadline - performance.now(), 1);
        try {
          // eslint-disable-next-line no-await-in-loop -- one attempt after the other
          const result = await within(left, what, operation());
          this.#isFailing = false;
          return result;
        } catch (error) {
          this.#isFailing = error instanceof StoreUnavailableError || isAwayError(error);
          if (error instanceof StoreUnavailableError || !this.#isFailing) throw error;
          if (performance.now() + pause >= deadline) throw new StoreUnavailableError(what, error);
        }
        // eslint-disable-next-line no-await-in-loop
        await delay(pause);
      }
    } finally {
      this.#underWay -= 1;
      this.#admitNext();
    }
  }

  /** Admits the first one that still waits. */
  #admitNext(): void {
    const [next] = this.#admissions;
    if (next === undefined) return;
    this.#admissions.delete(next);
    next();
  }

  async #admit(what: string): Promise<void> {
    if (this.#underWay >= MOST_UNDER_WAY) {
      if (this.#isFailing || this.#store.isAway())
        throw new StoreUnavailableError(`${what}: ${MOST_UNDER_WAY} operations wait for it`);
      let admit: (() => void) | undefined;
      const admission = new Promise<void>((resolve) => {
        admit = resolve;
        this.#admissions.add(resolve);
      });
      try {
        await within(this.#settings.storeTimeout, what, admission);
      } finally {
        if (admit !== undefined) this.#admissions.delete(admit);
      }
    }
    this.#underWay += 1;
  }

  /** Resolves when there is room for so many tasks. Rejects with `ERR_QUEUE_FULL` when there is none. */
  async room(tasks: number): Promise<void> {
    const { maxWaiting, onFull, storeTimeout } = this.#settings;
    if (maxWaiting === Infinity) return;
    const deadline = performance.now() + storeTimeout;
    // eslint-disable-next-line no-await-in-loop -- one look after the other
    while (!(await this.#hasRoom(tasks))) {
      if (onFull === 'reject' || performance.now() >= deadline) throw new QueueFullError();
      // eslint-disable-next-line no-await-in-loop -- room comes by what other processes do
      await delay(LOOK_EVERY);
    }
    this.#room -= tasks;
  }

  async #hasRoom(tasks: number): Promise<boolean> {
    if (this.#room >= tasks && performance.now() - this.#lookedAt < LOOK_EVERY) return true;
    this.#lookedAt = performance.now();
    const counts = await this.run('the number of tasks', () =>
      this.#queue.getJobCounts('waiting', 'prioritized', 'delayed'),
    );
    const waiting = Object.values(counts).reduce((sum, count) => sum + count, 0);
    this.#room = Math.min(this.#settings.maxWaiting - waiting, Math.max(LOOK_AFTER, tasks));
    return this.#room >= tasks;
  }
}
