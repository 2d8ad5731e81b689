/** Executes what one producer asks of a manager: runs its tasks, installs or cancels them, and replies. */

import {
  CONTROL_RESUME,
  CONTROL_SUSPEND,
  type OwnerControlBlock,
  type RemoteOptions,
  type TaskCarrier,
  type TaskManagerCounts,
  isTracing,
} from '../protocol';
import type { RecordHandler, ReplySender } from '../server';
import { systemClock } from '../platform';
import { TaskCancelledError, isThenable } from '../util';
import type { ErrorReporter } from './error-reporter';
import type { HandlerRegistry } from './handler-registry';
import {
  type HandlerEntry,
  type NamedTask,
  NamedTaskContext,
  type NamedTaskSide,
  TimedTaskContext,
  callTraced,
  turns,
} from './named-task';
import type { ManagerStats } from './manager-stats';
import type { NameStats } from './name-stats';

/** Answers to a cancel: indices of CANCEL_OUTCOMES. */
const CANCELLED = 0;
const RUNNING = 1;
const DONE = 2;

export class Executor implements RecordHandler<HandlerEntry> {
  readonly #manager: object;
  readonly #handlers: HandlerRegistry;
  readonly #counts: ManagerStats;
  /** Returns the manager's counts. */
  readonly count: () => TaskManagerCounts;
  readonly #errorReporter: ErrorReporter;
  readonly #control: OwnerControlBlock;
  readonly #replies: ReplySender;
  /** The thread of the producer. */
  readonly #threadId: number;
  /** Tasks that wait for their time or are suspended, by their ids. */
  readonly #tasks = new Map<number, NamedTask>();
  /** Those of them that later ones wait for. They run in the next pass. */
  readonly #immediate = new Set<number>();
  /** The contexts of tasks whose promise is pending, by their ids. */
  readonly #running = new Map<number, NamedTaskContext>();

  constructor(
    manager: object,
    handlers: HandlerRegistry,
    counts: ManagerStats,
    count: () => TaskManagerCounts,
    errorReporter: ErrorReporter,
    control: OwnerControlBlock,
    replies: ReplySender,
    threadId: number,
  ) {
    this.#manager = manager;
    this.#handlers = handlers;
    this.#counts = counts;
    this.count = count;
    this.#errorReporter = errorReporter;
    this.#control = control;
    this.#replies = replies;
    this.#threadId = threadId;
  }

  onName(name: string): HandlerEntry {
    return this.#handlers.name(name);
  }

  run(id: number, entry: HandlerEntry, payload: unknown, carrier?: TaskCarrier): unknown {
    const stats = entry.stats ?? this.#statsOf(entry);
    stats.onSchedule();
    const start = stats.onStart(Number.NaN);
    // It does not throw what the task throws.
    const result = this.#call(id, entry, payload, this.#contextOf(entry), carrier);
    stats.onEnd(start);
    return result;
  }

  runTracked(id: number, entry: HandlerEntry, payload: unknown, carrier?: TaskCarrier): void {
    void this.#track(id, this.run(id, entry, payload, carrier));
  }

  cancelKey(key: string): boolean {
    return this.#handlers.cancelKey(key);
  }

  now(): number {
    return this.#handlers.now();
  }

  holdOthers(id: number): void {
    if (this.#tasks.has(id)) {
      this.#immediate.add(id);
    }
  }

  get hasWaiting(): boolean {
    return this.#immediate.size > 0;
  }

  install(
    id: number,
    entry: HandlerEntry,
    payload: unknown,
    due: number,
    isTimed: boolean,
    options: RemoteOptions | undefined,
  ): void {
    const side: NamedTaskSide = {
      run: (task) => {
        const context = isTimed ? new TimedTaskContext(task, this.#manager, this.#threadId) : this.#contextOf(entry);
        const result = this.#call(id, entry, task.payload, context, options?.carrier);
        return options?.tracked === true ? this.#track(id, result) : result;
      },
      onEnd: (isCancelled) => {
        this.#tasks.delete(id);
        this.#immediate.delete(id);
        if (isCancelled) {
          this.#replies.replyError(id, new TaskCancelledError(entry.name));
          if (!this.#running.has(id)) {
            this.#replies.sendEnd(id);
          }
        }
      },
    };
    this.#tasks.set(id, this.#handlers.install(entry.name, payload, side, options ?? {}, { due }));
  }

  onUnreadable(id: number, entry: HandlerEntry, error: unknown): void {
    this.#counts.of(entry.name).onSchedule();
    this.#fail(id, entry, this.#contextOf(entry), error);
    this.#replies.sendEnd(id);
  }

  onControl(id: number, operation: number, reason: unknown): number {
    const task = this.#tasks.get(id);
    const running = this.#running.get(id);
    switch (operation) {
      case CONTROL_SUSPEND:
        task?.suspendTask();
        this.#immediate.delete(id);
        break;
      case CONTROL_RESUME:
        if (task?.isScheduled === false) {
          // It is the same task, and is about to be counted again.
          this.#counts.of(task.name).onReschedule();
          task.resumeTask();
        }
        break;
      default: {
        const wasWaiting = running !== undefined && turns.get(running) === 'waiting';
        task?.cancel();
        running?.abort(reason);
        if (wasWaiting) {
          // Its promise counts it.
          return CANCELLED;
        }
        if (task !== undefined && running === undefined) {
          this.#counts.of(task.name).onCancel();
        }
      }
    }
    if (running !== undefined) {
      return RUNNING;
    }
    return task === undefined ? DONE : CANCELLED;
  }

  /** Converts only when a time machine was made or restored after the task was sent, as `useClock()` does. */
  dueTime(time: number, isVirtual: boolean): number {
    if (isVirtual === this.#control.isVirtual) {
      return time;
    }
    return isVirtual ? time - systemClock.offset() : time + systemClock.offset();
  }

  /** Returns the counts of an entry, which keeps them when its name is defined. */
  #statsOf(entry: HandlerEntry): NameStats {
    const stats = this.#counts.of(entry.name);
    if (this.#handlers.has(entry.name)) {
      entry.stats = stats;
    }
    return stats;
  }

  #contextOf(entry: HandlerEntry): NamedTaskContext {
    return new NamedTaskContext(entry.name, this.#manager, this.#threadId);
  }

  /** Calls the handler of a task, and replies. */
  #call(
    id: number,
    entry: HandlerEntry,
    payload: unknown,
    context: NamedTaskContext,
    carrier: TaskCarrier | undefined,
  ): unknown {
    const { handler } = entry;
    try {
      const result =
        handler === undefined || isTracing || carrier !== undefined
          ? this.#callRarer(id, entry, payload, context, carrier)
          : handler(payload, context);
      if (isThenable(result)) {
        return this.#settle(id, entry, context, result);
      }
      this.#replies.reply(id, result);
    } catch (error) {
      this.#fail(id, entry, context, error);
    }
    return undefined;
  }

  /**
   * Calls a handler that is traced, or refuses the task of a name without one. A method of its own: a closure in
   * `#call()` would cost each task. And the call there has one handler alone: a rehearsal's task comes here.
   */
  #callRarer(
    id: number,
    entry: HandlerEntry,
    payload: unknown,
    context: NamedTaskContext,
    carrier: TaskCarrier | undefined,
  ): unknown {
    return isTracing || carrier !== undefined
      ? callTraced(() => entry.get()(payload, context), context, id, carrier)
      : entry.get()(payload, context);
  }

  /** Says that a task is over when its run is, unless it will run again. Returns the result of the run. */
  #track(id: number, result: unknown): unknown {
    const end = (): void => {
      if (!this.#tasks.has(id)) {
        this.#replies.sendEnd(id);
      }
    };
    if (!isThenable(result)) {
      end();
      return result;
    }
    return result.then(end, (error: unknown) => {
      end();
      throw error;
    });
  }

  /** Replies when a task's promise is settled. */
  #settle(
    id: number,
    entry: HandlerEntry,
    context: NamedTaskContext,
    result: PromiseLike<unknown>,
  ): PromiseLike<unknown> {
    this.#running.set(id, context);
    // Promise.resolve() makes sure that exactly one of the two is called, once: not every `then()` does.
    return Promise.resolve(result).then(
      (value) => {
        this.#running.delete(id);
        return this.#replies.reply(id, value);
      },
      (error: unknown) => {
        this.#running.delete(id);
        this.#fail(id, entry, context, error);
      },
    );
  }

  #fail(id: number, entry: HandlerEntry, context: NamedTaskContext, error: unknown): void {
    const stats = this.#counts.of(entry.name);
    if (turns.get(context) === 'cancelled') {
      stats.onCancel();
      this.#replies.replyError(id, error);
      return;
    }
    // A producer that waits for the result gets the error, and one that has cancelled the task expects it. Others have
    // no use for it: then the manager reports it.
    if (this.#replies.replyError(id, error) || context.isAborted) {
      stats.onFail();
    } else {
      this.#errorReporter.report(error, stats);
    }
  }
}
