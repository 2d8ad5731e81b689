/** The clock of all managers of one loop. */

import type { Clock } from '../platform';
import { Barrier } from './barrier';
import type { Participant } from './participant';

/**
 * Sets the clock of all managers of one loop: the system's, or a time machine's (`src/testing/time-machine.ts`). A
 * manager that joins the loop later gets the same clock.
 */
export class LoopClock {
  readonly #managers = new Set<Participant>();
  #clock: Clock | undefined;
  #run: Barrier | undefined;
  #intercept: ((error: unknown) => boolean) | undefined;

  /** Adds a manager, which has joined the loop. */
  add(manager: Participant): void {
    this.#managers.add(manager);
    manager.interceptErrors(this.#intercept);
    if (this.#clock !== undefined) {
      setClock(manager, this.#clock);
    }
    if (this.#run !== undefined) {
      manager.receiver.beginRun();
    }
  }

  /** Removes a manager, which has left the loop. It gets the system's clock. */
  remove(manager: Participant): void {
    if (this.#managers.delete(manager)) {
      manager.interceptErrors(undefined);
      if (this.#clock !== undefined) {
        setClock(manager, undefined);
      }
    }
  }

  /** Sets the clock of all managers; `undefined` means the system's. */
  useClock(clock: Clock | undefined): void {
    this.#clock = clock;
    this.#managers.forEach((manager) => setClock(manager, clock));
  }

  /** Offers each error of a task of any manager to `intercept` first; `undefined` ends that. */
  interceptErrors(intercept: ((error: unknown) => boolean) | undefined): void {
    this.#intercept = intercept;
    this.#managers.forEach((manager) => manager.interceptErrors(intercept));
  }

  /** Removes all tasks of all managers that wait for their time. */
  clear(): void {
    this.#managers.forEach((manager) => manager.clear());
  }

  /** Tells all managers that virtual time has passed. */
  advance(): void {
    this.#managers.forEach((manager) => manager.setVirtualTime(this.#clock?.monotonic()));
  }

  /** Returns when the first task of all managers is due; `Infinity` when there is none. */
  firstDue(): number {
    let first = Infinity;
    for (const manager of this.#managers) {
      first = Math.min(first, manager.firstDue());
    }
    return first;
  }

  /** Begins a virtual-time run. Until {@link LoopClock.endRun}, only its barrier reads what other threads send. */
  beginRun(): Barrier {
    this.#run = new Barrier(this.#managers);
    this.#managers.forEach((manager) => manager.receiver.beginRun());
    return this.#run;
  }

  /** Ends the run. */
  endRun(): void {
    this.#run = undefined;
    this.#managers.forEach((manager) => manager.receiver.endRun());
  }
}

function setClock(manager: Participant, clock: Clock | undefined): void {
  manager.setVirtualTime(clock?.monotonic());
  manager.useClock(clock);
}
