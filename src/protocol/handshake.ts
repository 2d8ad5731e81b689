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
