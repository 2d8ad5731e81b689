/** The memory of closed connections, for the next ones. V8 does not count it, and would be slow to collect it. */

import { type TaskManagerHandle, firstRingSizes, ringLimits } from '../protocol';
import { type RingMemory, makeRingMemory, renewRingMemory } from '../transport';

/** How many connections' memory is kept. */
const MOST_KEPT = 8;

/** The memory of one connection. */
export interface Rings {
  /** From the producer to the manager. */
  readonly ring: RingMemory;
  /** From the manager to the producer. */
  readonly replies: RingMemory;
}

/** With the key of the manager that still has it: no other manager may get it. */
const kept: (Rings & { readonly manager: number })[] = [];

/**
 * Returns memory for a connection. What an earlier one to the same manager has left is used when that has let it go.
 * `canGrow` says whether the connection has a channel for a larger ring.
 */
export function obtainRings({ trigger, capacity }: TaskManagerHandle, canGrow: boolean): Rings {
  // The manager releases both, the replies last.
  const index = kept.findIndex(
    ({ manager, replies, ring }) =>
      canGrow && manager === trigger.key && renewRingMemory(replies) && renewRingMemory(ring),
  );
  const [rings] = index < 0 ? [] : kept.splice(index, 1);
  const limits = ringLimits(capacity);
  const first = firstRingSizes(capacity);
  return rings ?? { ring: makeRingMemory(canGrow ? first : limits, limits), replies: makeRingMemory(first, limits) };
}

/** Keeps the memory of a connection that was closed. */
export function keepRings({ trigger }: TaskManagerHandle, ring: RingMemory, replies: RingMemory): void {
  kept.push({ ring, replies, manager: trigger.key });
  if (kept.length > MOST_KEPT) {
    kept.shift();
  }
}
