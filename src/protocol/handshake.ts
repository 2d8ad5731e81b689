/** What a producer and a manager tell each other when they meet. */

import { types } from 'node:util';

import type { EventHandle } from '../event';
import { type RingMemory, isRingMemory } from '../transport';
import { ACTIVITY_BYTES } from './blocked-threads';
import { firstRingSizes, ringLimits } from './records';

/** How a producer introduces itself. */
export interface Introduction {
  /** From the producer to the manager. */
  readonly ring: RingMemory;
  /** From the manager to the producer. */
  readonly replies: RingMemory;
  /**
   * The manager sets it when there are replies, and when a producer that waits for room may continue. It is closed when
   * the thread of either side ends.
   */
  readonly doorbell: EventHandle;
  /** The name of the channel for results that only a channel carries. */
  readonly channel: string;
  /** The words by which a time machine learns that the thread is quiescent: see `virtual-time/thread-activity.ts`. */
  readonly activity: SharedArrayBuffer;
  /** The thread, and which of its producers this is. */
  readonly threadId: number;
  readonly number: number;
}

/** A message on the manager's channel, beside payloads. */
export interface ProducerMessage {
  readonly introduction: Introduction;
}

/** Returns the name of a channel that the owner has offered under a key. */
export function offeredChannelName(key: number): string {
  return `waitable-event.introduction.${key}`;
}

/**
 * Returns the introduction in a message, when it has the right form for a manager with this `capacity`. Any thread that
 * has the handle can post anything, so nothing of it is used before.
 */
export function readIntroduction(message: unknown, capacity: number): Introduction | undefined {
  const { introduction } = fieldsOf(message);
  const { ring, replies, doorbell, channel, activity, threadId, number } = fieldsOf(introduction);
  const { key, state } = fieldsOf(doorbell);
  const limits = ringLimits(capacity);
  const first = firstRingSizes(capacity);
  const isValid =
    isRingMemory(ring, limits, first, limits) &&
    isRingMemory(replies, limits, first, limits) &&
    typeof key === 'number' &&
    types.isSharedArrayBuffer(state) &&
    typeof channel === 'string' &&
    types.isSharedArrayBuffer(activity) &&
    activity.byteLength === ACTIVITY_BYTES &&
    Number.isInteger(threadId) &&
    Number.isInteger(number);
  return isValid ? (introduction as Introduction) : undefined;
}

/** Returns the fields of what may be an object, or anything else. */
function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
