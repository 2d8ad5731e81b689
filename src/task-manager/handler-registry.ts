/** The handlers of one manager, and its named tasks that wait for their time. */

import type { RemoteOptions } from '../protocol';
import type { RecurringOptions, Task } from '../tasks';
import { HandlerEntry, NamedTask, type AnyHandler, type NamedTaskSide } from './named-task';
import type { ManagerStats } from './manager-stats';

/** What the registry needs of the tasks' owner. */
interface Installer {
  now(): number;
  install(task: Task, options: RecurringOptions): void;
  installAt(task: Task, when: number): void;
  installIn(task: Task, delta: number): void;
  installDue(task: Task, due: number): void;
}

/**
 * The time of a named task that is not on the wall clock: `delta` milliseconds from now, or at `due` on the monotonic
 * clock.
 */
export type From = { readonly delta: number } | { readonly due: number };

/** Finds handlers by their names, and waiting tasks by their keys. */
export class HandlerRegistry {
  readonly #owner: Installer;
  readonly #counts: ManagerStats;
  readonly #handlers = new Map<string, HandlerEntry>();
  /** Names that have no handler, as long as a producer holds their entries. */
  readonly #unknown = new Map<string, WeakRef<HandlerEntry>>();
  readonly #dropped = new FinalizationRegistry<string>((name) => {
    if (this.#unknown.get(name)?.deref() === undefined) {
      this.#unknown.delete(name);
    }
  });
  readonly #byKey = new Map<string, NamedTask>();

  constructor(owner: Installer, counts: ManagerStats) {
    this.#owner = owner;
    this.#counts = counts;
  }

  /** Sets the handler of a name. */
  define(name: string, handler: AnyHandler): void {
    const entry = this.name(name);
    entry.handler = handler;
    this.#handlers.set(name, entry);
    this.#unknown.delete(name);
  }

  /** Has tasks of a name do nothing, without a handler: V8 would learn of two. */
  defineForRehearsal(name: string): void {
    this.#handlers.set(name, new HandlerEntry(name, true));
  }

  /** Returns whether a name has a handler. */
  has(name: string): boolean {
    return this.#handlers.has(name);
  }

  /** Returns the names that have a handler. */
  names(): string[] {
    return [...this.#handlers.keys()];
  }

  /** Returns the entry of a name, which gets the handler when one is defined. */
  name(name: string): HandlerEntry {
    const known = this.#handlers.get(name) ?? this.#unknown.get(name)?.deref();
    if (known !== undefined) {
      return known;
    }
    const entry = new HandlerEntry(name);
    this.#unknown.set(name, new WeakRef(entry));
    this.#dropped.register(entry, name);
    return entry;
  }

  /** Returns the time on the clock of the tasks. */
  now(): number {
    return this.#owner.now();
  }

  /** Installs a task; it replaces one with the same key. */
  install(name: string, payload: unknown, side: NamedTaskSide, options: RemoteOptions, at: From): NamedTask {
    const { key, when, interval, offset = 0, priority = 0 } = options;
    const task = new NamedTask(name, payload, key, key === undefined ? side : new KeyedSide(side, key, this.#byKey));
    if (key !== undefined) {
      this.cancelKey(key);
      this.#byKey.set(key, task);
    }
    const owner = this.#owner;
    if (priority !== 0) {
      task.priority = priority;
    }
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

  /** Cancels the task with a key. Returns whether there was one. */
  cancelKey(key: string): boolean {
    const task = this.#byKey.get(key);
    if (task === undefined) {
      return false;
    }
    this.#counts.of(task.name).onCancel();
    task.cancel();
    return true;
  }
}

/** Frees the key of a task when the task ends. */
class KeyedSide implements NamedTaskSide {
  readonly #side: NamedTaskSide;
  readonly #key: string;
  readonly #byKey: Map<string, NamedTask>;

  constructor(side: NamedTaskSide, key: string, byKey: Map<string, NamedTask>) {
    this.#side = side;
    this.#key = key;
    this.#byKey = byKey;
  }

  run(task: NamedTask): unknown {
    return this.#side.run(task);
  }

  onEnd(isCancelled: boolean, task: NamedTask): void {
    this.#side.onEnd(isCancelled, task);
    if (this.#byKey.get(this.#key) === task) {
      this.#byKey.delete(this.#key);
    }
  }
}
