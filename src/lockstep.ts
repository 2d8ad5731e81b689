/**
 * The manager's side of a journey through virtual time: its threads in step.
 *
 * All threads work at one moment of virtual time until each has come to rest (`pace.ts`); then what they have sent is taken, in the
 * order of the threads and not of their speed, and run, which may set some of them to work again. When none is, and nothing was
 * sent, time may go on.
 */

import { monotonicNow } from './clock';
import { EventClosedError, TaskManagerClosedError, TimeStalledError } from './errors';
import type { WaitableEvent } from './event';
import type { Inbox } from './inbox';
import { IS_AWAITING_REST, POSTED } from './task-protocol';

/**
 * The longest sleep until threads come to rest, in milliseconds. They ring when they do; one that is terminated cannot, and
 * this is how soon that is noticed.
 */
const LONGEST_SLEEP = 20;

/** What the manager has for its threads; nothing before its handle was asked for. */
export interface Threads {
  readonly inbox: Inbox;
  readonly trigger: WaitableEvent;
}

/** One journey. */
export class Lockstep {
  readonly #control: Int32Array;
  readonly #threads: () => Threads | undefined;

  constructor(control: Int32Array, threads: () => Threads | undefined) {
    this.#control = control;
    this.#threads = threads;
  }

  /** Whether threads have sent anything. All have come to rest. */
  get hasMail(): boolean {
    return this.#threads()?.inbox.isEmpty() === false;
  }

  /**
   * Waits until at least `connections` have been made and all threads have come to rest, or have ended. Rejects with
   * `ERR_TIME_STALLED` when that takes longer than `timeout` milliseconds of real time.
   */
  async rest(connections: number, timeout: number): Promise<void> {
    const deadline = monotonicNow() + timeout;
    for (let threads = this.#threads(); threads !== undefined; threads = this.#threads()) {
      const { inbox, trigger } = threads;
      // First the word, then the look: a thread stores that it rests, and then looks at the word.
      Atomics.store(this.#control, IS_AWAITING_REST, 1);
      if (Atomics.exchange(this.#control, POSTED, 0) !== 0) {
        inbox.fetch();
      }
      // A thread that has made room for more of its results rests, and rings.
      inbox.flush();
      const busy = inbox.busyThreads();
      const missing = Math.max(0, connections - inbox.connections);
      const remaining = deadline - monotonicNow();
      if ((busy.length === 0 && missing === 0) || remaining <= 0) {
        Atomics.store(this.#control, IS_AWAITING_REST, 0);
        if (busy.length === 0 && missing === 0) {
          return;
        }
        throw new TimeStalledError(timeout, busy, missing);
      }
      // oxlint-disable-next-line no-await-in-loop -- it waits until it need not
      await sleep(trigger, Math.min(LONGEST_SLEEP, remaining));
    }
  }
}

/** Sleeps until the trigger is set. */
async function sleep(trigger: WaitableEvent, timeout: number): Promise<void> {
  try {
    await trigger.waitAsync(timeout);
    trigger.clear();
  } catch (error) {
    throw error instanceof EventClosedError ? new TaskManagerClosedError() : error;
  }
}
