/** The task manager: what is due in a loop, and what other threads have scheduled there. */

import { type InspectOptions, inspect } from 'node:util';

import { RemoteTaskManager } from '../client';
import { type ScheduleOptions, type TaskManagerHandle, rareOptions, validateHandle } from '../protocol';
import { type InstallOptions, type RecurringOptions, Task, type TaskOwner, taskOwner } from '../tasks';
import { EventClosedError, InvalidArgTypeError, InvalidHandleError, TaskManagerClosedError } from '../util/errors';
import { inspectAs } from '../util/inspect';
import { validateFunction, validateMilliseconds, validateOptions, validateString } from '../util/validate';
import { NamedTaskContext } from './named-task';
import { type TaskManagerOptions, toSettings } from './options';
import type { TaskManagerStats } from './manager-stats';
import { TaskRunner } from './task-runner';

/** What a handler is told beside its payload. */
export interface TaskContext {
  /** The name the task was scheduled under. */
  readonly name: string;
  /** The manager that runs it. */
  readonly manager: TaskManager;
  /** Aborted when whoever scheduled the task cancels it, or gives up waiting for its result, while it runs. */
  readonly signal: AbortSignal;
}

/** Runs the tasks of one name. What it throws, or what its promise is rejected with, goes to the manager's `onError`. */
// oxlint-disable-next-line typescript/no-explicit-any -- the payload is whatever the producer of that name sends
export type TaskHandler = (payload: any, context: TaskContext) => unknown;

/**
 * Runs named tasks in its loop: as soon as possible or at a time, scheduled from this thread or, through its `handle`, from any other.
 * However many tasks other threads schedule while the loop sleeps, they wake it once; while it is awake they cost no wake-up at all.
 *
 * @example
 * // main.js
 * core.taskManager.define('sample', (value) => console.log(value));
 * new Worker('./worker.js', { workerData: core.taskManager.handle });
 * await core.run();
 * // worker.js
 * TaskManager.connect(workerData).schedule('sample', 42);
 */
export class TaskManager {
  readonly #runner: TaskRunner;

  constructor(options?: TaskManagerOptions) {
    this.#runner = new TaskRunner(this, toSettings(options));
  }

  /** The manager that another thread owns, for this one. Throws `ERR_INVALID_HANDLE` when there is none any more. */
  static connect(handle: TaskManagerHandle): RemoteTaskManager {
    const valid = validateHandle(handle);
    try {
      return new RemoteTaskManager(valid);
    } catch (error) {
      // It has ended, perhaps just now. (Its event is nothing that the caller has heard of.)
      throw isGone(error) ? new InvalidHandleError('task manager') : error;
    }
  }

  /** The time on the wall clock, in milliseconds since the epoch, with fractions. */
  getTime(): number {
    return this.#runner.time();
  }

  /** Installs a task here, or moves it here: as `task.installTask()`. */
  installTask(task: Task, options?: InstallOptions & RecurringOptions): void {
    validateTask(task);
    this.#runner.install(task, options);
  }

  /** Takes a task out, in O(log n); nothing happens when it is not installed here. */
  suspendTask(task: Task): void {
    validateTask(task);
    this.#runner.remove(task);
  }

  /** Installs a task again: at its `taskTime`, or a recurring one at its next time, never at one that has passed. */
  resumeTask(task: Task): void {
    validateTask(task);
    this.#runner.resume(task);
  }

  /** Takes out the task that is due, if one is, and tells how many milliseconds it is until the next one. */
  getNextTask(): [task: Task | null, delta: number | null] {
    return this.#runner.dequeueNext();
  }

  /** Runs a task, now, and installs it again when it is a recurring one. */
  processTask(task: Task): void {
    validateTask(task);
    this.#runner.process(task);
  }

  /** Has `handler` run the tasks named `name`, instead of any handler that was defined for it before. */
  define(name: string, handler: TaskHandler): void {
    validateString('name', name);
    validateFunction('handler', handler);
    this.#runner.handlers.define(name, handler);
  }

  /** Schedules a named task from the manager's own thread. The payload is passed as it is. */
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): void {
    validateString('name', name);
    validateOptions(options);
    const { delta = 0, ...rest } = options ?? {};
    validateMilliseconds('options.delta', delta);
    const rarer = rareOptions(rest) ?? {};
    const { handlers } = this.#runner;
    const run = (): unknown => handlers.name(name).get()(payload, new NamedTaskContext(name, this));
    handlers.install(name, run, () => {}, rarer, { delta });
  }

  /** What another thread needs to `TaskManager.connect()`: structured-cloneable. */
  get handle(): TaskManagerHandle {
    return this.#runner.receiver.handle;
  }

  /** What has been counted so far. */
  stats(): TaskManagerStats {
    return this.#runner.stats.summarize(this.#runner.pending, this.#runner.receiver);
  }

  /**
   * Closes the manager: whoever installs or schedules something, here or from another thread, gets `ERR_TASK_MANAGER_CLOSED`. What
   * waits for its time is kept and not run; another manager's `installTask()` takes it over.
   */
  close(): void {
    this.#runner.close();
  }

  /** What a task asks of the manager it is installed in. @internal */
  get [taskOwner](): TaskOwner {
    return this.#runner;
  }

  /** Shows the state in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({
      closed: this.#runner.receiver.isClosed,
      pending: this.#runner.pending,
      handlers: this.#runner.handlers.names(),
    }));
  }
}

function isGone(error: unknown): boolean {
  return [InvalidHandleError, EventClosedError, TaskManagerClosedError].some((kind) => error instanceof kind);
}

function validateTask(task: unknown): void {
  if (!(task instanceof Task)) {
    throw new InvalidArgTypeError('task', 'a Task', task);
  }
}
