/** The named tasks of one manager: their handlers, and those that wait for their time, by their keys. */

import { HandlerEntry, NamedTask, type TaskHandler } from './named-task';
import type { ManagerStats } from './task-counts';
import type { TaskManager } from './task-manager';
import type { RemoteOptions } from '../protocol/records';

/** Where a named task's time counts from when it is not on the wall clock: now, or the beginning of the monotonic clock. */
export type From = { readonly delta: number } | { readonly due: number };

export class HandlerRegistry {
  readonly #manager: TaskManager;
  readonly #counts: ManagerStats;
  readonly #handlers = new Map<string, HandlerEntry>();
  readonly #byKey = new Map<string, NamedTask>();

  constructor(manager: TaskManager, counts: ManagerStats) {
    this.#manager = manager;
    this.#counts = counts;
  }

  define(name: string, handler: TaskHandler): void {
    this.name(name).handler = handler;
  }

  /** What is known of a name. */
  name(name: string): HandlerEntry {
    let handlerEntry = this.#handlers.get(name);
    if (handlerEntry === undefined) {
      handlerEntry = new HandlerEntry(name);
      this.#handlers.set(name, handlerEntry);
    }
    return handlerEntry;
  }

  /** Installs a task, instead of one with the same key. `onTaken` is told when it leaves the manager for good. */
  install(name: string, run: () => unknown, onTaken: () => void, options: RemoteOptions, at: From): NamedTask {
    const { key, when, interval, offset = 0, priority = 0 } = options;
    const task = new NamedTask(name, run, () => {
      onTaken();
      if (key !== undefined && this.#byKey.get(key) === task) {
        this.#byKey.delete(key);
      }
    });
    if (key !== undefined) {
      this.takeOut(key);
      this.#byKey.set(key, task);
    }
    const manager = this.#manager;
    task.priority = priority;
    if (interval !== undefined) {
      manager.installTask(task, { interval, offset });
    } else if (when !== undefined) {
      manager.installAt(task, when);
    } else if ('delta' in at) {
      manager.installIn(task, at.delta);
    } else {
      manager.installDue(task, at.due);
    }
    return task;
  }

  /** Takes out the task with a key, if there is one: another takes its place. */
  takeOut(key: string): void {
    const task = this.#byKey.get(key);
    if (task !== undefined) {
      this.#counts.of(task.name).cancelled += 1;
      task.takeOut();
    }
  }
}
