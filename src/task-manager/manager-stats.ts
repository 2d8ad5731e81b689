/** The counts of a task manager, by name. */

import type { RecordableHistogram } from 'node:perf_hooks';

import type { TaskCounts, TaskManagerCounts } from '../protocol';
import type { Task } from '../tasks';
import { NameStats, type TaskStats, UnknownNameStats } from './name-stats';
import { NamedTask } from './named-task';

/** The counts of a manager since it was made, and what it has measured. */
export interface TaskManagerStats extends TaskManagerCounts {
  /** Nanoseconds from the first notification by a producer until the loop runs. */
  wakeUpLatency: RecordableHistogram;
  /**
   * The counts of each name: that of a handler, or the class of a task of the manager's own thread. Names without a
   * handler count in the sums alone.
   */
  byName: Record<string, TaskStats>;
}

/** The counts of the manager's end of other threads. */
interface ReceiverCounts {
  readonly incomplete: number;
  readonly dropped: number;
  readonly wakeUps: number;
  readonly received: number;
  readonly wakeUpLatency: RecordableHistogram;
}

/** Tells whether a handler is defined for a name. */
interface StatsOwner {
  readonly handlers: { has(name: string): boolean };
}

/** Counts tasks, for each name and for all. */
export class ManagerStats {
  /** Runs of recurring tasks that were skipped. */
  skipped = 0;
  readonly #owner: StatsOwner;
  readonly #names = new Map<string, NameStats>();
  /** The sums of all names that have no handler. */
  readonly #unknown = new NameStats('');
  /** The class of the last task, and its counts. */
  #lastClass: unknown;
  #lastStats: NameStats | undefined;

  constructor(owner: StatsOwner) {
    this.#owner = owner;
  }

  /** Returns the counts of the handler of a name; the first call makes them. Those of an unknown name are not kept. */
  of(name: string): NameStats {
    const stats = this.#names.get(name);
    if (stats !== undefined) {
      return stats;
    }
    return this.#owner.handlers.has(name) ? this.#add(name) : new UnknownNameStats(name, this.#unknown);
  }

  /** Returns the counts of a task's name. */
  ofTask(task: Task): NameStats {
    // Consecutive tasks are mostly of one class. Named tasks are all of one class, but have different names.
    if (task.constructor !== this.#lastClass || task instanceof NamedTask) {
      const stats =
        task instanceof NamedTask
          ? this.of(task.name)
          : (this.#names.get(task.constructor.name) ?? this.#add(task.constructor.name));
      // Both at the end: what is called before may fail, for want of stack.
      this.#lastStats = stats;
      this.#lastClass = task.constructor;
    }
    return this.#lastStats as NameStats;
  }

  /** Returns the counts of all names and of the receiver, with what was measured. */
  summarize(pending: number, from: ReceiverCounts): TaskManagerStats {
    return {
      ...this.count(pending, from),
      wakeUpLatency: from.wakeUpLatency,
      byName: Object.fromEntries(this.#names),
    };
  }

  /** Returns the counts in a form that travels to other threads. */
  count(pending: number, from: Omit<ReceiverCounts, 'wakeUpLatency'>): TaskManagerCounts {
    const all = [this.#unknown, ...this.#names.values()];
    const sum = (count: keyof TaskCounts): number => all.reduce((total, stats) => total + stats[count], 0);
    const byName = Array.from(this.#names, ([name, { scheduled, run, failed, cancelled }]): [string, TaskCounts] => [
      name,
      { scheduled, run, failed, cancelled },
    ]);
    return {
      scheduled: sum('scheduled'),
      run: sum('run'),
      failed: sum('failed'),
      cancelled: sum('cancelled'),
      skipped: this.skipped,
      pending,
      incomplete: from.incomplete,
      dropped: from.dropped,
      wakeUps: from.wakeUps,
      wakeUpsSaved: Math.max(0, from.received - from.wakeUps),
      byName: Object.fromEntries(byName),
    };
  }

  #add(name: string): NameStats {
    const stats = new NameStats(name);
    this.#names.set(name, stats);
    return stats;
  }
}
