/** The counts of a task manager, in a form that travels to other threads. */

/** The counts of the tasks of one name, or of all. */
export interface TaskCounts {
  /** Tasks that were scheduled or installed; each run of a recurring one counts. */
  scheduled: number;
  /** Tasks that were run; each run of a recurring one counts. */
  run: number;
  /** Tasks that threw, or whose promise was rejected. */
  failed: number;
  /** Tasks that were cancelled before they began. */
  cancelled: number;
}

/** The counts of a manager since it was made. */
export interface TaskManagerCounts extends TaskCounts {
  /** Runs of recurring tasks that were skipped because the last run was not over. */
  skipped: number;
  /** Tasks that wait for their time. */
  pending: number;
  /** Tasks whose thread ended after it had sent a part of their payload; they do not run. */
  incomplete: number;
  /** Tasks of other threads that were still in their queues when the manager was closed; they do not run. */
  dropped: number;
  /** How many times tasks of other threads have woken the loop. */
  wakeUps: number;
  /** How many tasks of other threads needed no wake-up of their own. */
  wakeUpsSaved: number;
  /**
   * The counts of each name: that of a handler, or the class of a task of the manager's own thread. Names without a
   * handler count in the sums alone.
   */
  byName: Record<string, TaskCounts>;
}
