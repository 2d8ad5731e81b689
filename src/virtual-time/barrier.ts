/**
 * The barrier of a virtual-time run: a loop's thread waits at it for the threads that are connected to the loop's
 * managers.
 *
 * All threads work at one moment of virtual time until each is quiescent (`thread-activity.ts`). Then the loop reads
 * and runs what they have sent, in the order of the managers and of the threads, not of their speed. That may make some
 * of them busy again. When all are quiescent and nothing was sent, time may pass.
 */

import { type WaitableEvent, selectAsync } from '../event';
import { monotonicNow } from '../platform';
import { EventClosedError, TaskManagerClosedError, TimeStalledError } from '../util';
import type { Participant, ThreadGate } from './participant';

/**
 * Maximum time of one sleep at the barrier, in milliseconds. Threads notify the loop when they become quiescent. A
 * terminated thread cannot, and this is how soon the loop notices it.
 */
const LONGEST_SLEEP = 20;

/** Waits for the threads of a loop's managers in one run. A manager has threads once its handle was read. */
export class Barrier {
  readonly #managers: Iterable<Participant>;
  #areComplete = false;

  constructor(managers: Iterable<Participant>) {
    this.#managers = managers;
  }

  /** Returns whether threads have sent anything. All are quiescent. */
  get hasPending(): boolean {
    return this.#gates().some(({ threads }) => threads?.producerSet.isEmpty() === false);
  }

  /** Reads what threads have sent. */
  readPending(): void {
    this.#gates().forEach((gate) => gate.read());
  }

  /**
   * Waits until at least `connections` were made, and each thread is quiescent or has ended.
   *
   * Rejects with `ERR_TIME_STALLED` when that takes more than `timeout` milliseconds of real time, and with
   * `ERR_TASK_MANAGER_CLOSED` when no manager is open.
   */
  async awaitQuiescence(connections: number, timeout: number): Promise<void> {
    const deadline = monotonicNow() + timeout;
    for (;;) {
      const gates = this.#openGates(connections > 0);
      // First the words are set, then the states are read. A thread does it the other way round: it stores its state,
      // then reads the word.
      gates.forEach((gate) => gate.awaitQuiescence(true));
      const busy = new Set(gates.flatMap((gate) => gate.busyThreads()));
      const missing = this.#missing(gates, connections);
      const isQuiescent = busy.size === 0 && missing === 0;
      const remaining = deadline - monotonicNow();
      if (isQuiescent || remaining <= 0) {
        gates.forEach((gate) => gate.awaitQuiescence(false));
        if (isQuiescent) {
          return;
        }
        throw new TimeStalledError(`for ${timeout} ms (${describeBusy([...busy], missing)})`);
      }
      const triggers = gates.flatMap(({ threads }) => threads?.trigger ?? []);
      // oxlint-disable-next-line no-await-in-loop -- each sleep depends on the last check
      await sleep(triggers, Math.min(LONGEST_SLEEP, remaining));
    }
  }

  /** Returns the gates of all open managers. */
  #gates(): ThreadGate[] {
    return [...this.#managers].map(({ receiver }) => receiver);
  }

  /** Returns the gates that have threads. With `mustExist`, the first gate is made to have them. */
  #openGates(mustExist: boolean): ThreadGate[] {
    const [first, ...others] = this.#gates();
    if (first === undefined) {
      throw new TaskManagerClosedError();
    }
    if (mustExist) {
      // The first access makes the handle, and with it the gate's end of other threads.
      void first.handle;
    }
    return [first, ...others].filter(({ threads }) => threads !== undefined);
  }

  /**
   * Returns how many connections are still to be made. A closed manager takes its connections along, so a number that
   * was reached once counts.
   */
  #missing(gates: ThreadGate[], connections: number): number {
    const made = gates.reduce((sum, { threads }) => sum + (threads?.producerSet.connections ?? 0), 0);
    this.#areComplete ||= made >= connections;
    return this.#areComplete ? 0 : connections - made;
  }
}

/** Returns a description of what the barrier waits for. */
function describeBusy(busy: number[], missing: number): string {
  return [
    ...(busy.length > 0 ? [`busy: thread ${busy.join(', ')}`] : []),
    ...(missing > 0 ? [`not connected yet: ${missing}`] : []),
  ].join('; ');
}

/** Sleeps until one of the triggers is set or closed, or `timeout` milliseconds have passed. */
async function sleep(triggers: WaitableEvent[], timeout: number): Promise<void> {
  try {
    await selectAsync(triggers, [], [], timeout);
    triggers.forEach((trigger) => trigger.clear());
  } catch (error) {
    // The next check sees the managers that are still open.
    if (!(error instanceof EventClosedError)) {
      throw error;
    }
  }
}
