/**
 * How a time machine knows that the threads which are connected to its managers have come to rest: virtual time stands still
 * until all have, so that what they do at one moment does not depend on how fast they are.
 *
 * A thread is **busy** from `connect()` on, and from the moment at which it takes a result, and whenever it sends something. It has
 * **come to rest** when it is blocked for a result, or when its event loop has turned around twice and it sent and took nothing
 * meanwhile. One that is blocked for room goes on as soon as there is some, so for it time stands still too, but the manager
 * need not wait for it before it makes that room. What a thread waits for otherwise (a timer, a file, another thread's message) is not
 * looked at.
 *
 * A thread may have several connections, and is busy, or has come to rest, towards all of them at once. While it is blocked on account of one,
 * it takes no results of the others: there it is **held**, and those do not hold time still.
 *
 * Each connection has three words: STATE and TAKEN are the thread's, SENT is the manager's. **No result is overlooked:** the manager
 * counts it in SENT before it sends it; the thread stores BUSY, everywhere, and *then* counts it in TAKEN; the manager loads TAKEN and
 * *then* STATE. So whenever the two counts agree, the state that the manager finds is BUSY, or was stored when that result had been dealt
 * with. And whoever finds RESTING finds in the queue all that was sent before. A thread that is held is let go by a result of the
 * connection on whose account it is blocked, which is not at rest from the moment at which that is counted. By the time it is, the thread
 * has been busy and has come to rest again, and what it sent meanwhile, on whichever connection, is in a queue.
 */

import { monotonicNow, wallOffset } from '../platform/clock';
import { setImmediate } from '../platform/real-timers';
import { IS_AWAITING_QUIESCENCE, IS_VIRTUAL, VIRTUAL_NOW } from '../protocol/handle';

const STATE = 0;
const TAKEN = 1;
const SENT = 2;
const WORDS = 3;

/** It was connected before there was a time machine, and has done nothing since. */
const UNKNOWN = 0;
const BUSY = 1;
const QUIESCENT = 2;
/** It is blocked for room in its queue. */
const BLOCKED = 3;
/** It is blocked on account of another connection. */
const HELD = 4;

/** How many turns of its event loop a thread begins before it is believed to have nothing to do: two of them are whole ones. */
const TURNS = 3;

/** This thread's connections that have been in virtual time. Not held: one that is dropped is to be collected. */
const activities = new Set<WeakRef<ThreadActivity>>();
let turnsLeft = 0;

/** The end of the connected thread. It costs one look at a word as long as there is no time machine. */
export class ThreadActivity {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
  readonly #words = new Int32Array(this.memory);
  readonly #control: Int32Array;
  readonly #times: Float64Array;
  readonly #ring: () => void;
  #isKnown = false;

  /** `ring` sets the manager's trigger. */
  constructor(control: SharedArrayBuffer, ring: () => void) {
    this.#control = new Int32Array(control);
    this.#times = new Float64Array(control);
    this.#ring = ring;
  }

  /** Whether the manager lives in virtual time. */
  get isVirtual(): boolean {
    return Atomics.load(this.#control, IS_VIRTUAL) !== 0;
  }

  /** The manager's monotonic clock. Virtual time stands still while this thread is busy. */
  now(): number {
    return this.isVirtual ? (this.#times[VIRTUAL_NOW] as number) : monotonicNow();
  }

  /** The manager's wall clock. */
  time(): number {
    return this.isVirtual ? (this.#times[VIRTUAL_NOW] as number) : monotonicNow() + wallOffset();
  }

  /** This thread is at work: called before it sends anything. */
  work(): void {
    // A plain read: a time machine that is made at this moment finds what is about to be sent in the queue.
    if (this.#control[IS_VIRTUAL] !== 0) {
      if (!this.#isKnown) {
        this.#isKnown = true;
        activities.add(new WeakRef(this));
      }
      forEach((activity) => activity.#store(BUSY));
      if (turnsLeft === 0) {
        setImmediate(ThreadActivity.#turn);
      }
      turnsLeft = TURNS;
    }
  }

  /** A result has come, and is about to be dealt with. */
  take(): void {
    this.work();
    Atomics.add(this.#words, TAKEN, 1);
  }

  /** This thread is about to sleep for a result. What it is then told by {@link ThreadActivity.take} ends that. */
  rest(): void {
    this.#block(QUIESCENT);
  }

  /** This thread is about to sleep for room in its queue. */
  blockForRoom(): void {
    this.#block(BLOCKED);
  }

  /** This thread has slept, and is at work. */
  unblock(): void {
    if (this.isVirtual) {
      this.work();
    } else {
      ThreadActivity.#forget();
    }
  }

  static #turn(this: void): void {
    turnsLeft -= 1;
    if (turnsLeft > 0) {
      setImmediate(ThreadActivity.#turn);
    } else {
      forEach((activity) => activity.#tell(QUIESCENT));
    }
  }

  /** What was stored in the time of one time machine is not to hold up another one. */
  static #forget(): void {
    forEach((activity) => {
      if (!activity.isVirtual) {
        activity.#store(QUIESCENT);
      }
    });
  }

  #block(state: number): void {
    if (this.isVirtual) {
      forEach((activity) => activity.#tell(activity === this ? state : HELD));
    } else {
      ThreadActivity.#forget();
    }
  }

  #tell(state: number): void {
    this.#store(state);
    // First the state, then the look whether somebody waits for it: the time machine does it the other way round.
    if (this.isVirtual && Atomics.load(this.#control, IS_AWAITING_QUIESCENCE) !== 0) {
      this.#ring();
    }
  }

  #store(state: number): void {
    Atomics.store(this.#words, STATE, state);
  }
}

function forEach(call: (activity: ThreadActivity) => void): void {
  for (const reference of activities) {
    const activity = reference.deref();
    if (activity === undefined) {
      activities.delete(reference);
    } else {
      call(activity);
    }
  }
}

/** The same, seen from the manager. */
export class RemoteThreadActivity {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** A result is about to be sent. */
  send(): void {
    Atomics.add(this.#words, SENT, 1);
  }

  /** Whether the thread waits for a manager or for nothing; `hasPending` tells, afterwards, whether something from it waits to be taken. */
  isQuiescent(hasPending: () => boolean): boolean {
    const hasTakenAll = Atomics.load(this.#words, TAKEN) === Atomics.load(this.#words, SENT);
    switch (Atomics.load(this.#words, STATE)) {
      case BUSY:
        return false;
      case HELD:
        return true;
      case BLOCKED:
        // When its queue is empty, there is room: it is about to go on.
        return hasTakenAll && hasPending();
      case QUIESCENT:
      case UNKNOWN:
      default:
        return hasTakenAll;
    }
  }
}
