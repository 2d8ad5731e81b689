/** What a manager tells of the tasks that wait in it. */

import type { Task } from '../tasks';
import { NamedTask } from './named-task';

/** A task that waits for its time: what `tasks()` of a manager lists. */
export interface InstalledTask {
  /** The name of its handler. For a task of a class, the name of the class. */
  readonly name: string;
  /** When it is due, on the wall clock: milliseconds since the epoch, with fractions. */
  readonly due: number;
  /** Its key, where it has one. */
  readonly key: string | undefined;
  /** Its payload, where it has a handler. */
  readonly payload: unknown;
  /** Milliseconds from one run to the next, where it was scheduled with an `interval`. */
  readonly interval: number | undefined;
  /** By how many milliseconds the grid of its interval is shifted from the epoch, where it has one. */
  readonly offset: number | undefined;
  /** Of tasks that are due at the same time, the one with the lower number runs first. */
  readonly priority: number;
}

/** Describes a task that is due at `due`. */
export function describeTask([task, due]: readonly [task: Task, due: number]): InstalledTask {
  const { priority } = task;
  if (!(task instanceof NamedTask)) {
    const { name } = task.constructor;
    return { name, due, key: undefined, payload: undefined, interval: undefined, offset: undefined, priority };
  }
  const { name, key, payload, taskInterval: interval, taskIntervalOffset } = task;
  return {
    name,
    due,
    key,
    payload,
    interval,
    offset: interval === undefined ? undefined : taskIntervalOffset,
    priority,
  };
}
