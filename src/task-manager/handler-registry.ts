/** The named tasks of one manager: their handlers, and those that wait for their time, by their keys. */

import type { RemoteOptions } from '../protocol';
import type { RecurringOptions, Task } from '../tasks';
import { HandlerEntry, NamedTask, type AnyHandler } from './named-task';
import type { ManagerStats } from './manager-stats';

/** What the registry needs of the tasks' owner. */
interface Installer {
  install(task: Task, options: RecurringOptions): void;
  installAt(task: Task, when: number): void;
  installIn(task: Task, delta: number): void;
  installDue(task: Task, due: number): void;
}

/** Where a named task's time counts from when it is not on the wall clock: now, or the beginning of the monotonic clock. */
export type From = { readonly delta: number } | { readonly due: number };

export class HandlerRegistry {
  readonly #owner: Installer;
  readonly #counts: ManagerStats;
  readonly #handlers = new Map<string, HandlerEntry>();
  readonly #byKey = new Map<string, NamedTask>();

  constructor(owner: Installer, counts: ManagerStats) {
    this.#owner = owner;
    this.#counts = counts;
  }

  define(name: string, handler: AnyHandler): void {
    this.name(name).handler = handler;
  }

  /** The names that have a handler. */
  names(): string[] {
    return [...this.#handlers.values()].filter(({ handler }) => handler !== undefined).map(({ name }) => name);
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
    const owner = this.#owner;
    task.priority = priority;
    if (interval !== undefined) {
      owner.install(task, { interval, offset });
    } else if (when !== undefined) {
      owner.installAt(task, when);
    } else if ('delta' in at) {
      owner.installIn(task, at.delta);
    } else {
      owner.installDue(task, at.due);
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
