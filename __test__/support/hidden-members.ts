/** What tests use of public classes although index.d.ts does not declare it. All of it is in this file. */

import { type RunLoop, type TaskManager, type WaitableEvent } from 'waitable-event';

/** What a run loop asks before and in each pass; a task manager is one. */
export interface TaskSource {
  nextDue: () => number;
  runDue: () => boolean;
  beforeSleep: () => boolean;
  onStop: () => void;
  listen: () => void;
}

export interface ManagerClock {
  monotonic: () => number;
  offset: () => number;
}

/** Returns the member of `object` that the package keeps under a symbol with this description. */
function hidden(object: object, description: string): unknown {
  for (let at: object | null = object; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const key = Object.getOwnPropertySymbols(at).find((symbol) => symbol.description === description);
    if (key !== undefined) {
      return (object as Record<symbol, unknown>)[key];
    }
  }
  throw new Error(`There is no member ${description}`);
}

/** Adds a source of tasks to a loop, beside the managers it has. */
export function attachSource(loop: RunLoop, source: TaskSource): void {
  (hidden(loop, 'loopHost') as { attach: (source: TaskSource) => void }).attach(source);
}

/** Replaces the clock of a manager. */
export function setManagerClock(manager: TaskManager, clock: ManagerClock): void {
  (hidden(manager, 'taskOwner') as { useClock: (clock: ManagerClock) => void }).useClock(clock);
}

/** Returns a manager as its loop sees it. */
export function sourceOf(manager: TaskManager): TaskSource {
  return hidden(manager, 'taskOwner') as TaskSource;
}

/** Calls the manager's own channel, as its loop does when another thread has set the trigger. */
export function handleTrigger(manager: TaskManager): void {
  const { receiver } = hidden(manager, 'taskOwner') as { receiver: { threads: { trigger: WaitableEvent } } };
  receiver.threads.trigger.handleRead();
}

/** Calls `onRead` whenever native code is about to get the number of this event. */
export function onSlotRead(event: WaitableEvent, onRead: () => void): void {
  const slot = hidden(event, 'waitable-event.slot');
  Object.defineProperty(event, Symbol.for('waitable-event.slot'), {
    get: () => {
      onRead();
      return slot;
    },
  });
}
