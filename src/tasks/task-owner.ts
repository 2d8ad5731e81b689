/** The interface by which a task knows its manager. Managers import tasks, and tasks import this interface alone. */

import type { QueueEntry } from '../task-queue';

/** What a task calls on its manager. */
export interface TaskOwner {
  /** Installs a task on the wall clock, in the async context of the caller. */
  installAt(task: QueueEntry, when: number): void;
  /** Installs a task so many milliseconds from now, in the async context of the caller. */
  installIn(task: QueueEntry, delta: number): void;
  /** Installs a recurring task at the next point of its grid. */
  installNext(task: QueueEntry): void;
  /** Removes a task from the queue. */
  suspendTask(task: QueueEntry): void;
  /** Installs a task again. */
  resumeTask(task: QueueEntry): void;
  /** Returns when a task is due, on the manager's own clock. */
  dueOf(task: QueueEntry): number;
}

/** The key of a manager's {@link TaskOwner}. It is a symbol because a subclass may use any name. */
export const taskOwner: unique symbol = Symbol('taskOwner');

let findDefault: (() => TaskOwner) | undefined;

/**
 * Sets the function that returns the owner of tasks that were never installed: this thread's own manager. It is called
 * once, where that manager's loop is made.
 */
export function setDefaultTaskOwner(find: () => TaskOwner): void {
  findDefault = find;
}

/** Returns the owner of a task with this installation; of one that was never installed, the default owner. */
export function ownerOf(installation: { readonly owner: TaskOwner } | undefined): TaskOwner {
  return installation === undefined ? (findDefault as () => TaskOwner)() : installation.owner;
}
