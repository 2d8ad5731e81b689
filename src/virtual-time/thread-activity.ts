/**
 * How a time machine learns that the threads which are connected to its managers are quiescent. Virtual time stands
 * still until all of them are, so that what they do at one moment does not depend on their speed.
 *
 * ## Busy and quiescent
 *
 * A thread is **busy** from `connect()` on, from the moment at which it reads a result, and whenever it sends. It is
 * **quiescent** when it blocks for a result, and when its event loop has made two whole iterations in which it sent
 * nothing and read no result. A thread that is **blocked** for room in its queue continues as soon as there is room.
 * Time stands still for it, but the manager need not wait for it before it makes that room. What else a thread waits
 * for (a timer, a file, another thread's message) is not considered.
 *
 * A thread may have several connections. It becomes busy or quiescent towards all of them together. While it blocks
 * because of one connection, it reads no results of the others: there it is **held**, and those do not hold time still.
 *
 * ## Why no result is overlooked
 *
 * Each connection has three words: the thread writes STATE and RESULTS_READ, the manager writes RESULTS_SENT.
 *
 * - The manager adds to RESULTS_SENT, and *then* sends the result (`RemoteThreadActivity.onSend()`, before the ring).
 * - The thread stores BUSY in all its STATEs, and *then* adds to RESULTS_READ (`ThreadActivity.onResult()`).
 * - The manager loads RESULTS_READ, and *then* STATE (`RemoteThreadActivity.isQuiescent()`).
 *
 * So when the manager finds both counts equal, the STATE that it loads is BUSY, or was stored after the last result had
 * been dealt with. And when it finds QUIESCENT, all that the thread sent before is in the queue.
 *
 * A thread that is held is released by a result of the connection that it blocks for. That connection is not quiescent
 * from the moment at which the result is counted. When it is quiescent again, the thread has been busy since, and what
 * it sent meanwhile, on any connection, is in a queue.
 *
 * A thread that becomes quiescent stores STATE, and *then* loads IS_AWAITING_QUIESCENCE to see whether it has to set
 * the trigger. The time machine stores IS_AWAITING_QUIESCENCE, and *then* loads STATE. At least one of them sees the
 * other's store.
 */

import { ACTIVITY_BYTES, IS_AWAITING_QUIESCENCE, IS_VIRTUAL, VIRTUAL_NOW } from '../protocol';
import { monotonicNow, setImmediate, wallOffset } from '../platform';

const STATE = 0;
const RESULTS_READ = 1;
const RESULTS_SENT = 2;

/** The thread was connected before there was a time machine, and has done nothing since. */
const UNKNOWN = 0;
const BUSY = 1;
const QUIESCENT = 2;
/** The thread is blocked for room in its queue. */
const BLOCKED = 3;
/** The thread is blocked because of another connection. */
const HELD = 4;

/** How many iterations of its event loop a thread begins before it counts as quiescent: two of them are whole ones. */
const ITERATIONS = 3;

/**
 * This thread's connections that have been in virtual time. They are weak: a connection that is dropped is collected.
 */
const activities = new Set<WeakRef<ThreadActivity>>();
let iterationsLeft = 0;

/** The connected thread's end. Without a time machine it costs one read of a word. */
export class ThreadActivity {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #control: Int32Array;
  readonly #times: Float64Array;
  readonly #setTrigger: () => void;
  #isKnown = false;

  /** `control` is the manager's control block, `setTrigger` sets its trigger. */
  constructor(
    control: SharedArrayBuffer,
    setTrigger: () => void,
    memory: SharedArrayBuffer = new SharedArrayBuffer(ACTIVITY_BYTES),
  ) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#control = new Int32Array(control);
    this.#times = new Float64Array(control);
    this.#setTrigger = setTrigger;
  }

  /** Whether the manager lives in virtual time. */
  get isVirtual(): boolean {
    return Atomics.load(this.#control, IS_VIRTUAL) !== 0;
  }

  /** Returns the time on the manager's monotonic clock. Virtual time stands still while this thread is busy. */
  now(): number {
    return this.isVirtual ? (this.#times[VIRTUAL_NOW] as number) : monotonicNow();
  }

  /** Returns the time on the manager's wall clock. */
  time(): number {
    return this.isVirtual ? (this.#times[VIRTUAL_NOW] as number) : monotonicNow() + wallOffset();
  }

  /** Says that this thread is busy. Called before it sends. */
  markBusy(): void {
    // A plain read: a time machine that is made at this moment finds what is about to be sent in the queue.
    if (this.#control[IS_VIRTUAL] !== 0) {
      if (!this.#isKnown) {
        this.#isKnown = true;
        activities.add(new WeakRef(this));
      }
      forEach((activity) => activity.#store(BUSY));
      if (iterationsLeft === 0) {
        setImmediate(ThreadActivity.#onIteration);
      }
      iterationsLeft = ITERATIONS;
    }
  }

  /** Says that a result was read, and is about to be dealt with. */
  onResult(): void {
    this.markBusy();
    Atomics.add(this.#words, RESULTS_READ, 1);
  }

  /**
   * Says that this thread is about to sleep for a result. {@link ThreadActivity.onResult} ends that for time machines.
   */
  blockForResult(): void {
    this.#block(QUIESCENT);
  }

  /** Says that this thread is about to sleep for room in its queue. */
  blockForRoom(): void {
    this.#block(BLOCKED);
  }

  /** Says that this thread does not sleep any more. */
  unblock(): void {
    if (this.isVirtual) {
      this.markBusy();
    } else {
      ThreadActivity.#forget();
    }
  }

  static #onIteration(this: void): void {
    iterationsLeft -= 1;
    if (iterationsLeft > 0) {
      setImmediate(ThreadActivity.#onIteration);
    } else {
      forEach((activity) => activity.#tell(QUIESCENT));
    }
  }

  /** Ends what was stored for a time machine that was restored: it must not hold up another one. */
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
    if (this.isVirtual && Atomics.load(this.#control, IS_AWAITING_QUIESCENCE) !== 0) {
      this.#setTrigger();
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

/** The manager's end of a connected thread's activity. */
export class RemoteThreadActivity {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Says that a result is about to be sent. */
  onSend(): void {
    Atomics.add(this.#words, RESULTS_SENT, 1);
  }

  /**
   * Returns whether the thread waits for a manager, or for nothing. `hasPending` is called after its state was loaded,
   * and returns whether its queue has records.
   */
  isQuiescent(hasPending: () => boolean): boolean {
    const hasReadAll = Atomics.load(this.#words, RESULTS_READ) === Atomics.load(this.#words, RESULTS_SENT);
    switch (Atomics.load(this.#words, STATE)) {
      case BUSY:
        return false;
      case HELD:
        return true;
      case BLOCKED:
        // When its queue is empty, there is room: it is about to continue.
        return hasReadAll && hasPending();
      case QUIESCENT:
      case UNKNOWN:
      default:
        return hasReadAll;
    }
  }
}
