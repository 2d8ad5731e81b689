/** A named task that the manager's own thread has scheduled. */

import type { ScheduledTask } from '../client';
import { workerThreads } from '../platform';
import type { CancelOutcome, TaskCarrier } from '../protocol';
import { isThenable } from '../util';
import type { HandlerRegistry } from './handler-registry';
import { type NamedTask, NamedTaskContext, TimedTaskContext, callTraced, turns } from './named-task';
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
  /** Ends the listening to a signal, where there is one. */
  #stopListening: (() => void) | undefined;

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
    return this.#cancel(undefined);
  }

  #cancel(reason: unknown): Promise<CancelOutcome> {
    const isWaiting = this.#task !== undefined;
    this.#task?.cancel();
    const running = [...(this.#running ?? [])];
    const isRunning = running.some((context) => !turns.has(context));
    running.forEach((context) => context.abort(reason));
    if (isRunning) {
      return Promise.resolve('running');
    }
    if (isWaiting) {
      this.#stats.of(this.#name).onCancel();
    }
    this.#isCancelled ||= isWaiting || running.length > 0;
    return Promise.resolve(this.#isCancelled ? 'cancelled' : 'done');
  }

  /** Learns which task it is. */
  attach(task: NamedTask): void {
    this.#task = task;
  }

  /** Learns that the task will not run again, or is about to run for the only time. */
  detach(isCancelled: boolean): void {
    this.#task = undefined;
    if (isCancelled) {
      this.#onOver();
    }
  }

  /** Cancels the task when a signal aborts. */
  cancelOn(signal: AbortSignal): void {
    const onAbort = (): void => void this.#cancel(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', onAbort);
  }

  /** Runs the task, which has waited as `task`. */
  run(
    task: NamedTask,
    isTimed: boolean,
    manager: object,
    handlers: HandlerRegistry,
    carrier: TaskCarrier | undefined,
  ): unknown {
    const { threadId } = workerThreads();
    const context = isTimed
      ? new TimedTaskContext(task, manager, threadId)
      : new NamedTaskContext(this.#name, manager, threadId);
    const call = (): unknown => handlers.name(this.#name).get()(task.payload, context);
    let isPending = false;
    try {
      const result = callTraced(call, context, this.id, carrier);
      isPending = isThenable(result);
      if (isPending) {
        const running = (this.#running ??= new Set());
        const end = (): void => {
          running.delete(context);
          this.#onOver();
        };
        running.add(context);
        Promise.resolve(result).then(end, end);
        if (turns.has(context)) {
          return Promise.resolve(result).then(undefined, (error: unknown) => this.#onTurnFailed(context, error));
        }
      }
      return result;
    } finally {
      if (!isPending) {
        this.#onOver();
      }
    }
  }

  /** Counts a task that was cancelled before its turn, and throws any other error. */
  #onTurnFailed(context: NamedTaskContext, error: unknown): void {
    if (turns.get(context) !== 'cancelled') {
      throw error;
    }
    this.#stats.of(this.#name).onCancel();
  }

  /** Stops listening to the signal when the task does not run, and will not run again. */
  #onOver(): void {
    if (this.#stopListening !== undefined && this.#task === undefined && (this.#running?.size ?? 0) === 0) {
      this.#stopListening();
      this.#stopListening = undefined;
    }
  }
}
