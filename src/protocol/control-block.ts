/** The words that a manager's producers watch, seen from its owner: whether that sleeps, until when, and by which clock it goes. */

import {
  ARMED_UNTIL,
  ASLEEP_BIT,
  CONTROL_BYTES,
  IS_AWAITING_QUIESCENCE,
  IS_VIRTUAL,
  OWNER_STATE,
  POSTED,
  NOTIFIED_AT,
  VIRTUAL_NOW,
} from './handle';

/** The owner's side of what `task-protocol.ts` describes. */
export class OwnerControlBlock {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(CONTROL_BYTES);
  readonly state: Int32Array = new Int32Array(this.memory);
  readonly #times = new Float64Array(this.memory);
  /** What the producers see of the last sleep. */
  #sleep = 0;

  /** Whether the manager lives in virtual time. */
  get isVirtual(): boolean {
    return this.state[IS_VIRTUAL] !== 0;
  }

  /** When a producer first rang since the owner slept, on the monotonic clock; 0 when none has. */
  get notifiedAt(): number {
    return this.#times[NOTIFIED_AT] as number;
  }

  /** Whether something was posted to the channel that was not fetched. */
  get hasPosted(): boolean {
    return Atomics.load(this.state, POSTED) !== 0;
  }

  /** {@link OwnerControlBlock.hasPosted}; whoever asks fetches it. */
  consumePosted(): boolean {
    return Atomics.exchange(this.state, POSTED, 0) !== 0;
  }

  /** The owner is about to sleep, until `armedUntil` at most. It has to look into the queues afterwards. */
  markAsleep(armedUntil: number): void {
    this.#times[NOTIFIED_AT] = 0;
    this.#times[ARMED_UNTIL] = armedUntil;
    this.#sleep = (this.#sleep + 2) | ASLEEP_BIT;
    Atomics.store(this.state, OWNER_STATE, this.#sleep);
  }

  markAwake(): void {
    Atomics.store(this.state, OWNER_STATE, 0);
  }

  /** A time machine waits for threads to come to rest, or no longer. */
  awaitQuiescence(isAwaiting: boolean): void {
    Atomics.store(this.state, IS_AWAITING_QUIESCENCE, isAwaiting ? 1 : 0);
  }

  /** `undefined` is the end of virtual time. */
  setVirtualTime(now: number | undefined): void {
    // First the time, then the word.
    this.#times[VIRTUAL_NOW] = now ?? (this.#times[VIRTUAL_NOW] as number);
    Atomics.store(this.state, IS_VIRTUAL, now === undefined ? 0 : 1);
  }
}
