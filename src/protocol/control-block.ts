/**
 * The control block of a manager: words in shared memory through which its owner, the thread that runs the manager, and
 * its producers, the threads that send to it, agree on whether the owner has to be woken. {@link OwnerControlBlock} is
 * what the owner says; {@link ProducerControlBlock.wakeOwner} is the one place in which a producer decides. Here is the
 * argument why no record waits forever.
 *
 * ## A record is found by the owner, or its producer sets the trigger
 *
 * OWNER_STATE is odd while the owner sleeps, and another number for each sleep; 0 while it is awake.
 *
 * - The owner stores OWNER_STATE (`markAsleep()`), and *then* looks into the queues once more
 *   (`Receiver.beforeSleep()`).
 * - A producer adds its record to its queue (`RingWriter`), and *then* loads OWNER_STATE (`wakeOwner()`).
 *
 * Both are sequentially consistent, so at least one of the two sees the other's store: either the owner finds the
 * record, or the producer finds the owner asleep and sets the trigger.
 *
 * ## When the load is skipped
 *
 * A producer whose queue is polled does not load OWNER_STATE. A bit in the queue's head says so (UNPOLLED_BIT, point 3
 * in `transport/ring-layout.ts`), and the producer reads it in the operation that adds its record. The owner does three
 * things in this order: it stores OWNER_STATE, sets the bit in each queue, and looks into each queue. A producer that
 * does not find the bit has therefore added its record before the bit was set, and the owner's look comes after that. A
 * producer that finds the bit loads OWNER_STATE as if there were no bit: a bit that is set although the owner is awake
 * does no harm.
 *
 * ## When the trigger is not set a second time
 *
 * A producer that has set the trigger does not set it again while it loads the same number. When the owner wakes up, it
 * stores another number (`markAwake()`), *then* clears the trigger, and *then* looks into the queues
 * (`Receiver.drain()`). So it finds what was in a queue when the old number was loaded.
 *
 * A producer does not store that the owner is awake. It could be terminated between that store and the trigger, and
 * then no producer would wake the owner again.
 *
 * ## What is posted to the channel
 *
 * A producer posts its introduction, *then* stores POSTED, and *then* loads OWNER_STATE as for a record. The owner
 * clears POSTED, and *then* fetches. Before it sleeps it loads POSTED after it has stored OWNER_STATE.
 *
 * ## Where it is posted
 *
 * An introduction has the memory of the producer's queues, and every thread that knows the name of a channel gets what
 * is posted there. So the owner opens channels in advance whose names cannot be guessed, and stores their keys in the
 * words OFFERS. A producer takes a key out of its word, by one atomic operation, and with it the channel is its own.
 * The owner replaces what was taken when it fetches. When all of them are taken, a producer wakes the owner and waits
 * for another offer, for a moment: OFFER_COUNT says how many there have been, and the owner notifies those who wait on
 * that word. Only when none comes, a producer posts to the channel that the handle names. Later it takes an offer for
 * its payloads, because the owner must have the channel open before anything is posted to it.
 */

/** Index of the word that is odd while the owner sleeps. */
const OWNER_STATE = 0;
const ASLEEP_BIT = 1;
/** Index of the word that says that an introduction was posted, and not fetched. */
const POSTED = 1;
/** Index, as a double, of the time at which a producer first set the trigger in this sleep. */
const NOTIFIED_AT = 1;
/** Index, as a double, of the time until which the owner sleeps at most. */
const ARMED_UNTIL = 2;
/** Index of the word that says that the manager lives in virtual time. */
export const IS_VIRTUAL = 6;
/** Index of the word that says that a time machine waits until all threads are quiescent. */
export const IS_AWAITING_QUIESCENCE = 7;
/** Index, as a double, of the virtual time. */
export const VIRTUAL_NOW = 4;
/** Index of the word that counts the channels that were offered. */
const OFFER_COUNT = 10;
/** Index, as 64-bit words, of the keys of channels for introductions; 0 where one was taken. */
const OFFERS = 6;
export const OFFERS_MAX = 16;
/** The size of the control block. */
export const CONTROL_BYTES: number = (OFFERS + OFFERS_MAX) * 8;

/** The owner's end. */
export class OwnerControlBlock {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(CONTROL_BYTES);
  readonly #state = new Int32Array(this.memory);
  readonly #times = new Float64Array(this.memory);
  readonly #offers = new BigInt64Array(this.memory, OFFERS * 8);
  /** OWNER_STATE in the last sleep. */
  #sleep = 0;
  #isVirtual = false;

  /** Whether the manager lives in virtual time. Other threads can write to the memory, so the owner does not ask it. */
  get isVirtual(): boolean {
    return this.#isVirtual;
  }

  /** Offers a channel for an introduction. */
  offer(index: number, key: number): void {
    Atomics.store(this.#offers, index, BigInt(key));
    Atomics.add(this.#state, OFFER_COUNT, 1);
    Atomics.notify(this.#state, OFFER_COUNT);
  }

  /** Returns the key that is offered; 0 when it was taken. */
  offeredKey(index: number): number {
    return Number(Atomics.load(this.#offers, index));
  }

  /** Whether a producer has set the trigger since the owner fell asleep, or is about to. */
  get isNotified(): boolean {
    return this.#times[NOTIFIED_AT] !== 0;
  }

  /** Returns when a producer first set the trigger, on the monotonic clock, and forgets it; 0 when none has. */
  consumeNotifiedAt(): number {
    const notifiedAt = this.#times[NOTIFIED_AT] as number;
    this.#times[NOTIFIED_AT] = 0;
    return notifiedAt;
  }

  /** Whether something was posted to the channel that was not fetched. */
  get hasPosted(): boolean {
    return Atomics.load(this.#state, POSTED) !== 0;
  }

  /** Returns the same, and the caller fetches. */
  consumePosted(): boolean {
    return Atomics.exchange(this.#state, POSTED, 0) !== 0;
  }

  /** Says that the owner sleeps, until `armedUntil` at most. The caller looks into the queues afterwards. */
  markAsleep(armedUntil: number): void {
    this.#times[NOTIFIED_AT] = 0;
    this.#times[ARMED_UNTIL] = armedUntil;
    this.#sleep = (this.#sleep + 2) | ASLEEP_BIT;
    Atomics.store(this.#state, OWNER_STATE, this.#sleep);
  }

  /**
   * Says that the owner is awake. The caller clears the trigger, if it is set, and looks into the queues afterwards.
   */
  markAwake(): void {
    Atomics.store(this.#state, OWNER_STATE, 0);
  }

  /** Says that a time machine waits until all threads are quiescent, or no longer. */
  awaitQuiescence(isAwaiting: boolean): void {
    Atomics.store(this.#state, IS_AWAITING_QUIESCENCE, isAwaiting ? 1 : 0);
  }

  /** Says that the manager lives in virtual time, and which time it is there; `undefined` ends that. */
  setVirtualTime(now: number | undefined): void {
    // The time is stored before the word that makes it valid.
    this.#times[VIRTUAL_NOW] = now ?? (this.#times[VIRTUAL_NOW] as number);
    this.#isVirtual = now !== undefined;
    Atomics.store(this.#state, IS_VIRTUAL, this.#isVirtual ? 1 : 0);
  }
}

/** A producer's end. */
export class ProducerControlBlock {
  readonly #state: Int32Array;
  readonly #times: Float64Array;
  readonly #offers: BigInt64Array;
  readonly #setTrigger: () => void;
  readonly #now: () => number;
  /** OWNER_STATE in the sleep in which this producer has set the trigger. */
  #notifiedSleep = 0;

  /** `setTrigger` sets the manager's trigger; `now` is the monotonic clock. */
  constructor(memory: SharedArrayBuffer, setTrigger: () => void, now: () => number) {
    this.#state = new Int32Array(memory);
    this.#times = new Float64Array(memory);
    this.#offers = new BigInt64Array(memory, OFFERS * 8);
    this.#setTrigger = setTrigger;
    this.#now = now;
  }

  /** Takes a channel for an introduction, and returns its key; `undefined` when all are taken. */
  takeOffer(): number | undefined {
    for (let index = 0; index < OFFERS_MAX; index += 1) {
      const key = Atomics.exchange(this.#offers, index, 0n);
      if (key !== 0n) {
        return Number(key);
      }
    }
    return undefined;
  }

  /** Tells the owner that something was posted to its channel. */
  announcePosted(): void {
    Atomics.store(this.#state, POSTED, 1);
    this.wakeOwner(Number.NEGATIVE_INFINITY);
  }

  /** Does the same as {@link ProducerControlBlock.takeOffer}, and waits for an offer for `timeout` milliseconds. */
  awaitOffer(timeout: number): number | undefined {
    const end = this.#now() + timeout;
    for (;;) {
      // Loaded before the look: an offer that comes after the look has changed it.
      const count = Atomics.load(this.#state, OFFER_COUNT);
      const key = this.takeOffer();
      const remaining = end - this.#now();
      if (key !== undefined || remaining <= 0) {
        return key;
      }
      this.announcePosted();
      Atomics.wait(this.#state, OFFER_COUNT, count, remaining);
    }
  }

  /**
   * Wakes the owner if it would otherwise find a record, which is due at `due`, too late. The record is in the queue,
   * and the owner does not poll that (`RingWriter.isPolled`).
   */
  wakeOwner(due: number): void {
    const state = Atomics.load(this.#state, OWNER_STATE);
    if ((state & ASLEEP_BIT) !== 0 && state !== this.#notifiedSleep) {
      this.#notify(state, due);
    }
  }

  #notify(state: number, due: number): void {
    if (due >= (this.#times[ARMED_UNTIL] as number)) {
      // The owner wakes up by itself before that.
      return;
    }
    if (this.#times[NOTIFIED_AT] === 0) {
      this.#times[NOTIFIED_AT] = this.#now();
    }
    this.#setTrigger();
    this.#notifiedSleep = state;
  }
}
