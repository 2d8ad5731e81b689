/**
 * How a time machine knows that the threads which are connected to its manager have come to rest: virtual time stands still
 * until all have, so that what they do at one moment does not depend on how fast they are.
 *
 * A thread is **busy** from `connect()` on, and from the moment at which it takes a result, and whenever it sends something. It has
 * **come to rest** when it is blocked for a result, or when its event loop has turned around twice and it sent and took nothing
 * meanwhile. One that is blocked for room goes on as soon as there is some, so for it time stands still too, but the manager
 * need not wait for it before it makes that room. What a thread waits for otherwise (a timer, a file, another thread's message) is not
 * looked at.
 *
 * Each connection has three words: STATE and TAKEN are the thread's, SENT is the manager's. **No result is overlooked:** the manager
 * counts it in SENT before it sends it; the thread stores BUSY and *then* counts it in TAKEN; the manager loads TAKEN and *then* STATE.
 * So whenever the two counts agree, the state that the manager finds is BUSY, or was stored when that result had been dealt with.
 * And whoever finds RESTING finds in the queue all that was sent before.
 */

import { monotonicNow, wallOffset } from './clock';
import { IS_AWAITING_REST, IS_VIRTUAL, VIRTUAL_NOW } from './task-protocol';

const STATE = 0;
const TAKEN = 1;
const SENT = 2;
const WORDS = 3;

/** It was connected before there was a time machine, and has done nothing since. */
const UNKNOWN = 0;
const BUSY = 1;
const RESTING = 2;
/** It is blocked for room in its queue. */
const BLOCKED = 3;

/** How many turns of its event loop a thread begins before it is believed to have nothing to do: two of them are whole ones. */
const TURNS = 3;

/** The end of the connected thread. It costs one look at a word as long as there is no time machine. */
export class Pace {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
  readonly #words = new Int32Array(this.memory);
  readonly #control: Int32Array;
  readonly #times: Float64Array;
  readonly #ring: () => void;
  #turnsLeft = 0;

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
      Atomics.store(this.#words, STATE, BUSY);
      if (this.#turnsLeft === 0) {
        setImmediate(() => this.#turn());
      }
      this.#turnsLeft = TURNS;
    }
  }

  /** A result has come, and is about to be dealt with. */
  take(): void {
    this.work();
    Atomics.add(this.#words, TAKEN, 1);
  }

  /** This thread is about to sleep for a result. What it is then told by {@link Pace.take} ends that. */
  rest(): void {
    this.#tell(RESTING);
  }

  /** This thread is about to sleep for room in its queue; afterwards it is at {@link Pace.work}. */
  blockForRoom(): void {
    this.#tell(BLOCKED);
  }

  #turn(): void {
    this.#turnsLeft -= 1;
    if (this.#turnsLeft > 0) {
      setImmediate(() => this.#turn());
    } else {
      this.rest();
    }
  }

  #tell(state: number): void {
    if (this.isVirtual) {
      // First the state, then the look whether somebody waits for it: the time machine does it the other way round.
      Atomics.store(this.#words, STATE, state);
      if (Atomics.load(this.#control, IS_AWAITING_REST) !== 0) {
        this.#ring();
      }
    }
  }
}

/** The same, seen from the manager. */
export class RemotePace {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** A result is about to be sent. */
  send(): void {
    Atomics.add(this.#words, SENT, 1);
  }

  /** Whether the thread waits for the manager or for nothing; `hasMail` tells, afterwards, whether something from it waits to be taken. */
  isAtRest(hasMail: () => boolean): boolean {
    if (Atomics.load(this.#words, TAKEN) !== Atomics.load(this.#words, SENT)) {
      return false;
    }
    switch (Atomics.load(this.#words, STATE)) {
      case BUSY:
        return false;
      case BLOCKED:
        // When its queue is empty, there is room: it is about to go on.
        return hasMail();
      case RESTING:
      case UNKNOWN:
      default:
        return true;
    }
  }
}
