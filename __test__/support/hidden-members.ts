/** What tests use of public classes although index.d.ts does not declare it. All of it is in this file. */

import { type RunLoop, type TaskManager, type WaitableEvent } from 'waitable-event';

/** What a run loop asks before and in each pass; a task manager is one. */
export interface TaskSource {
  nextDue: () => number;
  runDue: () => boolean;
  beforeSleep: () => boolean;
  listen: () => void;
}

export interface ManagerClock {
  monotonic: () => number;
  offset: () => number;
}

/** Adds a source of tasks to a loop, beside the managers it has. */
export function attachSource(loop: RunLoop, source: TaskSource): void {
  (loop as unknown as { attach: (source: TaskSource) => void }).attach(source);
}

/** Replaces the clock of a manager. */
export function setManagerClock(manager: TaskManager, clock: ManagerClock): void {
  (manager as unknown as { useClock: (clock: ManagerClock) => void }).useClock(clock);
}

/** Returns a manager as its loop sees it. */
export function sourceOf(manager: TaskManager): TaskSource {
  return manager as unknown as TaskSource;
}

/** Calls the manager's own channel, as its loop does when another thread has set the trigger. */
export function handleTrigger(manager: TaskManager): void {
  const { mailbox } = manager as unknown as { mailbox: { threads: { trigger: WaitableEvent } } };
  mailbox.threads.trigger.handleRead();
}

/** Calls `onRead` whenever native code is about to get the number of this event. */
export function onSlotRead(event: WaitableEvent, onRead: () => void): void {
  const { slot } = event as unknown as { slot: number };
  Object.defineProperty(event, 'slot', {
    get: () => {
      onRead();
      return slot;
    },
  });
}
