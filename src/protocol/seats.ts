/**
 * Memory for connections that the manager makes in advance, and its handle has: for runtimes where only the event loop
 * reads a channel. A manager that blocks its thread (`runSync()`) learns of a new producer by shared memory alone, and
 * shared memory itself cannot be sent through shared memory.
 *
 * The word STATE of a seat passes through these values:
 *
 * - FREE: a producer takes the seat and makes its doorbell in one native call, so it is the only one.
 * - TAKEN: that producer writes who it is.
 * - INTRODUCED: stored after that, so the manager reads all of it. The producer then stores POSTED in the control
 *   block, as for an introduction that is posted to a channel: the argument there holds for both.
 * - FREE again: stored by the manager after the doorbell was closed, which is the last thing that the producer does
 *   with the memory, and after the manager has released all of it and made it new.
 *
 * A thread may be terminated between TAKEN and INTRODUCED. JavaScript ends between native calls, so the doorbell is
 * there by then, and closes with the thread. The manager frees such a seat when the next producer introduces itself.
 * The seat of a producer that has sent garbage stays: its thread may still write there. Without a seat a producer
 * introduces itself on a channel.
 *
 * All threads that have the handle can reach the memory of all seats. On Node no thread but the two ends has it,
 * because there the producer brings it.
 */

import { types } from 'node:util';

import { type WaitableEvent, claimEventIn, isClosedIn } from '../event';
import { type RingMemory, isRingMemory, makeRingMemory, resetRingMemory } from '../transport';
import { ACTIVITY_BYTES } from './blocked-threads';
import type { Introduction } from './handshake';
import { firstRingSizes, ringLimits } from './records';

const STATE = 0;
const THREAD_ID = 1;
const NUMBER = 2;
/** Index, as a double, of the key of the doorbell. */
const KEY = 2;
const WORDS_BYTES = 24;

const FREE = 0;
const TAKEN = 1;
const INTRODUCED = 2;

const STATE_BYTES = 4;

/** How many there are. */
const SEATS = 8;

/** The memory of one connection. */
export interface Seat {
  readonly words: SharedArrayBuffer;
  readonly ring: RingMemory;
  readonly replies: RingMemory;
  readonly activity: SharedArrayBuffer;
  /** The state word of the doorbell. */
  readonly doorbell: SharedArrayBuffer;
}

/** Makes the seats of a manager. Their queues do not grow: a larger one would have to be sent. */
export function makeSeats(capacity: number): readonly Seat[] {
  const limits = ringLimits(capacity);
  return Array.from({ length: SEATS }, () => ({
    words: new SharedArrayBuffer(WORDS_BYTES),
    ring: makeRingMemory(limits, limits),
    replies: makeRingMemory(firstRingSizes(capacity), limits),
    activity: new SharedArrayBuffer(ACTIVITY_BYTES),
    doorbell: new SharedArrayBuffer(STATE_BYTES),
  }));
}

function hasSize(memory: unknown, size: number): boolean {
  return types.isSharedArrayBuffer(memory) && memory.byteLength === size;
}

/** Returns whether a value is what {@link makeSeats} returns. */
export function areSeats(value: unknown, capacity: number): value is readonly Seat[] {
  const limits = ringLimits(capacity);
  const first = firstRingSizes(capacity);
  return (
    Array.isArray(value) &&
    value.every((seat: Partial<Seat> | null | undefined) => {
      const { words, ring, replies, activity, doorbell } = seat ?? {};
      return (
        hasSize(words, WORDS_BYTES) &&
        isRingMemory(ring, limits, limits) &&
        isRingMemory(replies, limits, first) &&
        hasSize(activity, ACTIVITY_BYTES) &&
        hasSize(doorbell, STATE_BYTES)
      );
    })
  );
}

/** Takes a seat for a producer, whose doorbell is made in it; `undefined` when there is none. */
export function takeSeat(seats: readonly Seat[]): { seat: Seat; doorbell: WaitableEvent } | undefined {
  for (const seat of seats) {
    const words = new Int32Array(seat.words);
    const doorbell = Atomics.load(words, STATE) === FREE ? claimEventIn(seat.doorbell, words, FREE, TAKEN) : undefined;
    if (doorbell !== undefined) {
      return { seat, doorbell };
    }
  }
  return undefined;
}

/** Whether no introduction will come from a producer that has taken the seat: it has closed its doorbell, or ended. */
export function isAbandoned({ words, doorbell }: Seat): boolean {
  // Only the manager frees a seat, so the doorbell is that of the producer that has taken it.
  return Atomics.load(new Int32Array(words), STATE) === TAKEN && isClosedIn(doorbell);
}

/** Introduces the producer that has taken a seat. */
export function introduceInSeat({ words }: Seat, { doorbell, threadId, number }: Introduction): void {
  const numbers = new Int32Array(words);
  new Float64Array(words)[KEY] = doorbell.key;
  numbers[THREAD_ID] = threadId;
  numbers[NUMBER] = number;
  Atomics.store(numbers, STATE, INTRODUCED);
}

/** Returns the introduction of the producer in a seat; `undefined` when there is none. */
export function readSeat({ words, ring, replies, activity, doorbell }: Seat): Introduction | undefined {
  const numbers = new Int32Array(words);
  if (Atomics.load(numbers, STATE) !== INTRODUCED) {
    return undefined;
  }
  const key = new Float64Array(words)[KEY] as number;
  return {
    ring,
    replies,
    doorbell: { key, state: doorbell },
    channel: connectionChannelName(key),
    activity,
    threadId: numbers[THREAD_ID] as number,
    number: numbers[NUMBER] as number,
  };
}

/** Makes the memory of a seat new, for another producer. */
export function freeSeat({ words, ring, replies, activity, doorbell }: Seat): void {
  resetRingMemory(ring);
  resetRingMemory(replies);
  new Uint8Array(activity).fill(0);
  Atomics.store(new Int32Array(doorbell), 0, 0);
  Atomics.store(new Int32Array(words), STATE, FREE);
}

/** Returns the name of the channel for the results of a producer, by the key of its doorbell. */
export function connectionChannelName(key: number): string {
  return `waitable-event.connection.${key}`;
}
