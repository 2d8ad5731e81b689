/** What a task asks of the manager it is installed in: tasks know this interface, and managers know tasks. */

import type { Installation } from './installation';
import type { Task } from './task';

/** The manager's side of its tasks. */
export interface TaskOwner {
  /** Installs a task on the wall clock, in the async context of the caller. */
  installAt(task: Task, when: number): void;
  /** Installs a task so many milliseconds from now, in the async context of the caller. */
  installIn(task: Task, delta: number): void;
  /** Installs a recurring task at the next point of its grid. */
  installNext(task: Task): void;
  /** Takes a task out. */
  suspendTask(task: Task): void;
  /** Installs a task again. */
  resumeTask(task: Task): void;
  /** Returns when a task is due, on the manager's own clock. */
  dueOf(task: Task): number;
}

/** The key under which a manager has its {@link TaskOwner}: a subclass may use any name. */
export const taskOwner: unique symbol = Symbol('taskOwner');

let findDefault: (() => TaskOwner) | undefined;

/** Names the owner of tasks that were never installed: this thread's own manager. Called once, where its loop is made. */
export function setDefaultTaskOwner(find: () => TaskOwner): void {
  findDefault = find;
}

/** Returns the owner of a task that is, or was, installed like this. */
export function ownerOf(installation: Installation | undefined): TaskOwner {
  return installation === undefined ? (findDefault as () => TaskOwner)() : installation.owner;
}
