/** A named task that the manager's own thread has scheduled. */

import type { ScheduledTask } from '../client';
import { workerThreads } from '../platform';
import { type CancelOutcome, type TaskCarrier, isTracing, traceRun } from '../protocol';
import { isThenable } from '../util';
import { type NamedTask, NamedTaskContext } from './named-task';
import type { ManagerStats } from './manager-stats';

/** What `schedule()` of a manager returns. */
export class LocalTask implements ScheduledTask {
  readonly id: number;
  readonly #name: string;
  readonly #stats: ManagerStats;
  /** While it waits for its time, or is suspended. */
  #task: NamedTask | undefined;
  /** The contexts of runs whose promise is pending. */
  #running: Set<NamedTaskContext> | undefined;
  #isCancelled = false;

  constructor(id: number, name: string, stats: ManagerStats) {
    this.id = id;
    this.#name = name;
    this.#stats = stats;
  }

  suspend(): void {
    this.#task?.suspendTask();
  }

  resume(): void {
    if (this.#task?.isScheduled === false) {
      // It is the same task, and is about to be counted again.
      this.#stats.of(this.#name).onReschedule();
      this.#task.resumeTask();
    }
  }

  cancel(): Promise<CancelOutcome> {
    const isWaiting = this.#task !== undefined;
    this.#task?.cancel();
    this.#running?.forEach((context) => context.abort());
    if (this.#running !== undefined && this.#running.size > 0) {
      return Promise.resolve('running');
    }
    if (isWaiting) {
      this.#isCancelled = true;
      this.#stats.of(this.#name).onCancel();
    }
    return Promise.resolve(this.#isCancelled ? 'cancelled' : 'done');
  }

  /** Learns which task it is. */
  attach(task: NamedTask): void {
    this.#task = task;
  }

  /** Learns that the task will not run again, or is about to run for the only time. */
  detach(): void {
    this.#task = undefined;
  }

  /** Runs the task, which has waited as `task`. */
  run(
    manager: object,
    task: NamedTask,
    carrier: TaskCarrier | undefined,
    handler: (context: NamedTaskContext) => unknown,
  ): unknown {
    const context = new NamedTaskContext(this.#name, manager);
    if (carrier !== undefined) {
      context.setCarrier(carrier);
    }
    const result = isTracing
      ? traceRun(
          {
            name: this.#name,
            id: this.id,
            thread: workerThreads().threadId,
            due: task.taskTime ?? undefined,
            carrier,
          },
          () => handler(context),
        )
      : handler(context);
    if (isThenable(result)) {
      const running = (this.#running ??= new Set());
      const end = (): void => void running.delete(context);
      running.add(context);
      Promise.resolve(result).then(end, end);
    }
    return result;
  }
}
