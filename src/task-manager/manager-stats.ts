/** What a task manager has counted, name by name. */

import type { RecordableHistogram } from 'node:perf_hooks';

import type { Task } from '../tasks';
import { NameStats, type TaskStats } from './name-stats';
import { NamedTask } from './named-task';

/** What a manager has counted since it was made. */
export interface TaskManagerStats {
  /** Tasks that were scheduled or installed; each run of a recurring one counts. */
  scheduled: number;
  /** Tasks that were run. */
  run: number;
  /** Tasks that threw, or whose promise was rejected. */
  failed: number;
  /** Tasks that were cancelled before they began. */
  cancelled: number;
  /** Runs of recurring tasks that were left out because the last one was not over. */
  skipped: number;
  /** Tasks that wait for their time. */
  pending: number;
  /** Tasks whose payload had begun to come when their thread ended: they do not run. */
  incomplete: number;
  /** Tasks that other threads had scheduled, and that were still in their queues when the manager was closed: they do not run. */
  dropped: number;
  /** How often the loop was woken for tasks of other threads. */
  wakeUps: number;
  /** How many tasks came from other threads and needed no wake-up of their own. */
  wakeUpsSaved: number;
  /** From the first ringing of a producer to the loop's answer, in nanoseconds. */
  wakeUpLatency: RecordableHistogram;
  /** The same for each name: that of a handler, or the class of a task of the manager's own thread. */
  byName: Record<string, TaskStats>;
}

/** What is counted where other threads' tasks arrive. */
interface ReceiverCounts {
  readonly incomplete: number;
  readonly dropped: number;
  readonly wakeUps: number;
  readonly received: number;
  readonly wakeUpLatency: RecordableHistogram;
}

/** The counts of all names. */
export class ManagerStats {
  /** Runs of recurring tasks that were left out. */
  skipped = 0;
  readonly #names = new Map<string, NameStats>();
  /** The class of the last task, and what is counted for it. */
  #lastClass: unknown;
  #lastStats: NameStats | undefined;

  /** The counts of a name. */
  of(name: string): NameStats {
    let stats = this.#names.get(name);
    if (stats === undefined) {
      stats = new NameStats(name);
      this.#names.set(name, stats);
    }
    return stats;
  }

  /** The counts of a task's name. */
  ofTask(task: Task): NameStats {
    // One class follows itself, mostly. Those with names of their own are of one class, too.
    if (task.constructor !== this.#lastClass || task instanceof NamedTask) {
      this.#lastClass = task.constructor;
      this.#lastStats = this.of(nameOf(task));
    }
    return this.#lastStats as NameStats;
  }

  /** All together. */
  summarize(pending: number, from: ReceiverCounts): TaskManagerStats {
    const all = [...this.#names.values()];
    const sum = (count: 'scheduled' | 'run' | 'failed' | 'cancelled'): number =>
      all.reduce((total, stats) => total + stats[count], 0);
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
      wakeUpLatency: from.wakeUpLatency,
      byName: Object.fromEntries(this.#names),
    };
  }
}

function nameOf(task: Task): string {
  return task instanceof NamedTask ? task.name : task.constructor.name;
}
