/** Does what other threads want of a manager: runs their tasks, or installs them, and answers. */

import { systemClock } from '../platform/clock';
import { TaskCancelledError } from '../util/errors';
import type { ErrorReporter } from './error-reporter';
import { type HandlerEntry, type NamedTask, NamedTaskContext } from './named-task';
import type { From, HandlerRegistry } from './handler-registry';
import type { OwnerControlBlock } from '../protocol/control-block';
import type { Producer, RecordHandler } from '../server/producer';
import type { ManagerStats } from './manager-stats';
import { CONTROL_RESUME, CONTROL_SUSPEND, type RemoteOptions } from '../protocol/records';
import { isThenable } from '../util/is-thenable';

/** Answers to a cancel: indices of CANCEL_OUTCOMES. */
const CANCELLED = 0;
const RUNNING = 1;
const DONE = 2;

export class Executor implements RecordHandler<HandlerEntry> {
  readonly #manager: object;
  readonly #handlers: HandlerRegistry;
  readonly #counts: ManagerStats;
  readonly #errorReporter: ErrorReporter;
  readonly #control: OwnerControlBlock;

  constructor(
    manager: object,
    named: HandlerRegistry,
    counts: ManagerStats,
    errorReporter: ErrorReporter,
    control: OwnerControlBlock,
  ) {
    this.#manager = manager;
    this.#handlers = named;
    this.#counts = counts;
    this.#errorReporter = errorReporter;
    this.#control = control;
  }

  onName(name: string): HandlerEntry {
    return this.#handlers.name(name);
  }

  onTask(producer: Producer, id: number, name: HandlerEntry, payload: unknown): void {
    const stats = (name.stats ??= this.#counts.of(name.name));
    stats.onSchedule();
    const start = stats.onStart(Number.NaN);
    // What the task throws ends there.
    this.#run(producer, id, name, payload);
    stats.onEnd(start);
  }

  onTimedTask(
    producer: Producer,
    id: number,
    name: HandlerEntry,
    payload: unknown,
    due: number,
    options: RemoteOptions | undefined,
  ): void {
    if (due === Number.NEGATIVE_INFINITY && options?.when === undefined && options?.interval === undefined) {
      if (options?.key !== undefined) {
        this.#handlers.replace(options.key);
      }
      this.onTask(producer, id, name, payload);
      return;
    }
    this.#install(producer, id, name, payload, options, { due });
  }

  onPostponedTask(
    producer: Producer,
    id: number,
    name: HandlerEntry,
    payload: unknown,
    options: RemoteOptions | undefined,
  ): void {
    this.#install(producer, id, name, payload, options, { delta: 0 });
  }

  onUnreadable(producer: Producer, id: number, name: HandlerEntry, error: unknown): void {
    this.#counts.of(name.name).onSchedule();
    this.#fail(producer, id, name, new NamedTaskContext(name.name, this.#manager), error);
  }

  onControl(producer: Producer, id: number, operation: number): number {
    const task = producer.tasks.get(id) as NamedTask | undefined;
    const running = producer.running.get(id);
    switch (operation) {
      case CONTROL_SUSPEND:
        task?.suspendTask();
        break;
      case CONTROL_RESUME:
        if (task?.isScheduled === false) {
          // It is counted again, and is the same task.
          this.#counts.of(task.name).scheduled -= 1;
          task.resumeTask();
        }
        break;
      default:
        task?.cancel();
        running?.abort();
        if (task !== undefined && running === undefined) {
          this.#counts.of(task.name).cancelled += 1;
          producer.replyError(id, new TaskCancelledError(task.name));
        }
    }
    if (running !== undefined) {
      return RUNNING;
    }
    return task === undefined ? DONE : CANCELLED;
  }

  /** They differ when a time machine came or went meanwhile: then as `useClock()`. */
  dueTime(time: number, isVirtual: boolean): number {
    if (isVirtual === this.#control.isVirtual) {
      return time;
    }
    return isVirtual ? time - systemClock.offset() : time + systemClock.offset();
  }

  #install(
    producer: Producer,
    id: number,
    name: HandlerEntry,
    payload: unknown,
    options: RemoteOptions | undefined,
    from: From,
  ): void {
    const run = (): unknown => this.#run(producer, id, name, payload);
    const onTaken = (): boolean => producer.tasks.delete(id);
    producer.tasks.set(id, this.#handlers.install(name.name, run, onTaken, options ?? {}, from));
  }

  /** Runs a task for a producer, and answers if somebody waits. */
  #run(producer: Producer, id: number, name: HandlerEntry, payload: unknown): unknown {
    const context = new NamedTaskContext(name.name, this.#manager);
    try {
      const result = name.get()(payload, context);
      if (isThenable(result)) {
        return this.#settle(producer, id, name, context, result);
      }
      producer.reply(id, result);
    } catch (error) {
      this.#fail(producer, id, name, context, error);
    }
    return undefined;
  }

  /** Answers when a task's promise is settled. */
  #settle(
    producer: Producer,
    id: number,
    name: HandlerEntry,
    context: NamedTaskContext,
    result: PromiseLike<unknown>,
  ): PromiseLike<unknown> {
    producer.running.set(id, context);
    // Not every `then()` keeps to calling one of the two, once.
    return Promise.resolve(result).then(
      (value) => {
        producer.running.delete(id);
        return producer.reply(id, value);
      },
      (error: unknown) => {
        producer.running.delete(id);
        this.#fail(producer, id, name, context, error);
      },
    );
  }

  #fail(producer: Producer, id: number, name: HandlerEntry, context: NamedTaskContext, error: unknown): void {
    const stats = this.#counts.of(name.name);
    // Whoever waits for the result has the error, and who cancelled the task expects one; otherwise it is the manager's.
    if (producer.replyError(id, error) || context.isAborted) {
      stats.onFail(error);
    } else {
      this.#errorReporter.report(error, stats);
    }
  }
}
