/**
 * The loop's side of a journey through virtual time: the threads of its managers in step.
 *
 * All threads work at one moment of virtual time until each has come to rest (`activity.ts`); then what they have sent is taken, in the
 * order of the managers and the threads and not of their speed, and run, which may set some of them to work again. When none is, and
 * nothing was sent, time may go on.
 */

import { monotonicNow } from '../platform/clock';
import { EventClosedError, TaskManagerClosedError, TimeStalledError } from '../util/errors';
import type { WaitableEvent } from '../event/waitable-event';
import type { Participant, ThreadGate } from './participant';
import { selectAsync } from '../event/select';

/**
 * The longest sleep until threads come to rest, in milliseconds. They ring when they do; one that is terminated cannot, and
 * this is how soon that is noticed.
 */
const LONGEST_SLEEP = 20;

/** One journey of the managers of a loop: those that are open, and have threads since their handle was asked for. */
export class Barrier {
  readonly #managers: Iterable<Participant>;
  #areComplete = false;

  constructor(managers: Iterable<Participant>) {
    this.#managers = managers;
  }

  /** Whether threads have sent anything. All have come to rest. */
  get hasPending(): boolean {
    return this.#gates().some(({ threads }) => threads?.producerSet.isEmpty() === false);
  }

  /** Takes over what threads have sent. */
  readPending(): void {
    this.#gates().forEach((receiver) => receiver.read());
  }

  /**
   * Waits until at least `connections` have been made and all threads have come to rest, or have ended. Rejects with
   * `ERR_TIME_STALLED` when that takes longer than `timeout` milliseconds of real time, with `ERR_TASK_MANAGER_CLOSED` when no manager is
   * open.
   */
  async rest(connections: number, timeout: number): Promise<void> {
    const deadline = monotonicNow() + timeout;
    for (;;) {
      const gates = this.#openGates(connections > 0);
      // First the words, then the looks: a thread stores that it rests, and then looks at the word.
      gates.forEach((receiver) => receiver.awaitQuiescence(true));
      const busy = new Set(gates.flatMap((receiver) => receiver.busyThreads()));
      const missing = this.#missing(gates, connections);
      const isQuiescent = busy.size === 0 && missing === 0;
      const remaining = deadline - monotonicNow();
      if (isQuiescent || remaining <= 0) {
        gates.forEach((receiver) => receiver.awaitQuiescence(false));
        if (isQuiescent) {
          return;
        }
        throw new TimeStalledError(`for ${timeout} ms (${describeBusy([...busy], missing)})`);
      }
      const triggers = gates.flatMap(({ threads }) => threads?.trigger ?? []);
      // oxlint-disable-next-line no-await-in-loop -- it waits until it need not
      await sleep(triggers, Math.min(LONGEST_SLEEP, remaining));
    }
  }

  #gates(): ThreadGate[] {
    return [...this.#managers].map(({ receiver }) => receiver);
  }

  /** Those with threads, one of which there is if it `mustBe`. */
  #openGates(mustBe: boolean): ThreadGate[] {
    const [first, ...others] = this.#gates();
    if (first === undefined) {
      throw new TaskManagerClosedError();
    }
    if (mustBe) {
      // Made by whoever asks for it first.
      void first.handle;
    }
    return [first, ...others].filter(({ threads }) => threads !== undefined);
  }

  /** How many connections have not been made. A manager that is closed takes its own along, so who was there once is not missed. */
  #missing(gates: ThreadGate[], connections: number): number {
    const made = gates.reduce((sum, { threads }) => sum + (threads?.producerSet.connections ?? 0), 0);
    this.#areComplete ||= made >= connections;
    return this.#areComplete ? 0 : connections - made;
  }
}

function describeBusy(busy: number[], missing: number): string {
  return [
    ...(busy.length > 0 ? [`busy: thread ${busy.join(', ')}`] : []),
    ...(missing > 0 ? [`not connected yet: ${missing}`] : []),
  ].join('; ');
}

/** Sleeps until one of the triggers is set, or closed. */
async function sleep(triggers: WaitableEvent[], timeout: number): Promise<void> {
  try {
    await selectAsync(triggers, [], [], timeout);
    triggers.forEach((trigger) => trigger.clear());
  } catch (error) {
    // Of those that are left, the next look is taken.
    if (!(error instanceof EventClosedError)) {
      throw error;
    }
  }
}
