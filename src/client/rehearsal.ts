/**
 * Sends tasks that no manager reads, so that V8 has compiled the way of a task before the first one takes it: 25
 * functions, at 10 to 15 µs each.
 */

import { REHEARSAL, sendChannel } from '../protocol';
import { makePrivateRingMemory } from '../transport';
import type { Connection } from './connection';
import type { PendingCalls } from './pending-calls';
import { SendQueue } from './send-queue';

/**
 * V8 compiles a function when it is first called, begins to learn at the eighth call, and compiles it for the second
 * time after some tens. That takes it 0.2 ms in all.
 */
const TASKS = 100;

/** What a manager consists of. */
export interface ManagerParts {
  readonly connection: Connection;
  readonly calls: PendingCalls;
  readonly sendQueue: SendQueue;
}

let isDone = false;

/**
 * Sends tasks through a queue of their own. `connection` is open, and has said that this thread is busy: it notices
 * nothing. Each thread does this once, unless a subscriber would learn of it. Never throws.
 */
export function rehearse(
  connection: Connection,
  calls: PendingCalls,
  makeManager: (parts: ManagerParts) => { schedule(name: string, payload: number): unknown },
): void {
  if (isDone || sendChannel.hasSubscribers) {
    return;
  }
  isDone = true;
  try {
    const memory = makePrivateRingMemory({ slots: 128, bytes: 1024 });
    const manager = makeManager({
      connection,
      calls,
      sendQueue: new SendQueue(connection, memory, undefined, '', calls),
    });
    for (let task = 0; task < TASKS; task += 1) {
      manager.schedule(REHEARSAL, task);
    }
  } catch {
    // The stack has no room for it. The first task compiles what it needs.
  }
}
