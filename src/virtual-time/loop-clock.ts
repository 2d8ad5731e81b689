/**
 * By which clock the managers of one loop go: the system's or, all of them together, a time machine's (`testing.ts`). One that joins the
 * loop later on goes by the same.
 */

import type { Clock } from '../platform/clock';
import { Barrier } from './barrier';
import type { Participant } from './participant';

export class LoopClock {
  readonly #managers = new Set<Participant>();
  #clock: Clock | undefined;
  #run: Barrier | undefined;

  /** A manager has joined the loop. */
  add(manager: Participant): void {
    this.#managers.add(manager);
    if (this.#clock !== undefined) {
      setClock(manager, this.#clock);
    }
    if (this.#run !== undefined) {
      manager.receiver.beginRun();
    }
  }

  /** A manager has left it, and goes by the system's clock. */
  remove(manager: Participant): void {
    if (this.#managers.delete(manager) && this.#clock !== undefined) {
      setClock(manager, undefined);
    }
  }

  /** Has all go by a clock; `undefined` is the system's. */
  useClock(clock: Clock | undefined): void {
    this.#clock = clock;
    this.#managers.forEach((manager) => setClock(manager, clock));
  }

  /** Virtual time has passed. */
  advance(): void {
    this.#managers.forEach((manager) => manager.setVirtualTime(this.#clock?.monotonic()));
  }

  /** When the first task of all is due. */
  firstDue(): number {
    let first = Infinity;
    for (const manager of this.#managers) {
      first = Math.min(first, manager.firstDue());
    }
    return first;
  }

  /** Begins a journey: until {@link LoopClock.endRun}, what other threads send is taken by it alone. */
  beginRun(): Barrier {
    this.#run = new Barrier(this.#managers);
    this.#managers.forEach((manager) => manager.receiver.beginRun());
    return this.#run;
  }

  endRun(): void {
    this.#run = undefined;
    this.#managers.forEach((manager) => manager.receiver.endRun());
  }
}

function setClock(manager: Participant, clock: Clock | undefined): void {
  manager.setVirtualTime(clock?.monotonic());
  manager.useClock(clock);
}
