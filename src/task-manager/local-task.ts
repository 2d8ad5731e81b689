/** A named task that the manager's own thread has scheduled. */

import type { ScheduledTask } from '../client';
import { workerThreads } from '../platform';
import { type CancelOutcome, type TaskCarrier, isTracing } from '../protocol';
import { isThenable } from '../util';
import type { HandlerRegistry } from './handler-registry';
import {
  type NamedTask,
  NamedTaskContext,
  type NamedTaskSide,
  TimedTaskContext,
  callTraced,
  turns,
} from './named-task';
import type { ManagerStats } from './manager-stats';

/** What all tasks that a manager's own thread schedules have in common. */
export class LocalTasks {
  readonly manager: object;
  readonly handlers: HandlerRegistry;
  readonly stats: ManagerStats;
  readonly threadId: number = workerThreads().threadId;
  /** How many there have been. */
  count = 0;

  constructor(manager: object, handlers: HandlerRegistry, stats: ManagerStats) {
    this.manager = manager;
    this.handlers = handlers;
    this.stats = stats;
  }
}

/** What `schedule()` of a manager returns. */
export class LocalTask implements ScheduledTask, NamedTaskSide {
  readonly id: number;
  readonly #tasks: LocalTasks;
  readonly #isTimed: boolean;
  readonly #carrier: TaskCarrier | undefined;
  /** While it waits for its time, or is suspended. */
  #task: NamedTask | undefined;
  /** The contexts of runs whose promise is pending. */
  #running: Set<NamedTaskContext> | undefined;
  #isCancelled = false;
  /** Ends the listening to a signal, where there is one. */
  #stopListening: (() => void) | undefined;

  constructor(tasks: LocalTasks, isTimed: boolean, carrier: TaskCarrier | undefined) {
    tasks.count += 1;
    this.id = tasks.count;
    this.#tasks = tasks;
    this.#isTimed = isTimed;
    this.#carrier = carrier;
  }

  suspend(): void {
    this.#task?.suspendTask();
  }

  resume(): void {
    if (this.#task?.isScheduled === false) {
      // It is the same task, and is about to be counted again.
      this.#tasks.stats.of(this.#task.name).onReschedule();
      this.#task.resumeTask();
    }
  }

  cancel(): Promise<CancelOutcome> {
    return this.#cancel(undefined);
  }

  #cancel(reason: unknown): Promise<CancelOutcome> {
    const task = this.#task;
    task?.cancel();
    const running = [...(this.#running ?? [])];
    const isRunning = running.some((context) => !turns.has(context));
    running.forEach((context) => context.abort(reason));
    if (isRunning) {
      return Promise.resolve('running');
    }
    if (task !== undefined) {
      this.#tasks.stats.of(task.name).onCancel();
    }
    this.#isCancelled ||= task !== undefined || running.length > 0;
    return Promise.resolve(this.#isCancelled ? 'cancelled' : 'done');
  }

  /** Learns which task it is. */
  attach(task: NamedTask): void {
    this.#task = task;
  }

  onEnd(isCancelled: boolean): void {
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

  run(task: NamedTask): unknown {
    const { manager, handlers, threadId } = this.#tasks;
    const context = this.#isTimed
      ? new TimedTaskContext(task, manager, threadId)
      : new NamedTaskContext(task.name, manager, threadId);
    const carrier = this.#carrier;
    let isPending = false;
    try {
      const result =
        isTracing || carrier !== undefined
          ? callTraced(() => handlers.name(task.name).get()(task.payload, context), context, this.id, carrier)
          : handlers.name(task.name).get()(task.payload, context);
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
    this.#tasks.stats.of(context.name).onCancel();
  }

  /** Stops listening to the signal when the task does not run, and will not run again. */
  #onOver(): void {
    if (this.#stopListening !== undefined && this.#task === undefined && (this.#running?.size ?? 0) === 0) {
      this.#stopListening();
      this.#stopListening = undefined;
    }
  }
}
