/** What a producer and a manager tell each other when they meet. */

import type { EventHandle } from '../event';
import type { RingMemory } from '../transport';

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

/** How many claims a channel may have: more than a connection has ids. */
const CLAIMS = 2 ** 32;

/** Returns the name of the manager's channel for payloads that has this number. */
export function payloadChannelName(channel: string, number: number): string {
  return `${channel}.payloads.${number}`;
}

/** Makes one number of that of a channel and a claim in it: what travels in a record. */
export function joinClaim(channelNumber: number, claim: number): number {
  return channelNumber * CLAIMS + claim;
}

/** Undoes {@link joinClaim}. */
export function splitClaim(joined: number): [channelNumber: number, claim: number] {
  return [Math.floor(joined / CLAIMS), joined % CLAIMS];
}
