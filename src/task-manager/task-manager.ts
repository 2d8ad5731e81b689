/** The task manager: what is due in a loop, and what other threads have scheduled there. */

import { captureContext, runInContext } from '../tasks/async-context';
import { CLOCK_TOLERANCE, type Clock, systemClock } from '../platform/clock';
import type { RunLoop } from '../run-loop/core';
import {
  EventClosedError,
  InvalidArgTypeError,
  InvalidHandleError,
  InvalidTaskError,
  TaskManagerClosedError,
} from '../util/errors';
import { ErrorReporter } from './error-reporter';
import { Receiver } from '../server/receiver';
import { NamedTaskContext, type TaskHandler } from './named-task';
import { HandlerRegistry } from './handlers';
import { OwnerControlBlock } from '../protocol/control-block';
import { RemoteTaskManager } from '../client/remote-task-manager';
import { Schedule } from '../tasks/schedule';
import { type ScheduleOptions, rareOptions } from '../protocol/schedule-options';
import type { NameStats } from './stats';
import { type InstallOptions, type RecurringOptions, Task } from '../tasks/task';
import { ManagerStats, type TaskManagerStats } from './task-counts';
import { type TaskManagerOptions, toSettings } from './options';
import { type TaskManagerHandle, validateHandle } from '../protocol/records';
import { Executor } from './executor';
import { isThenable } from '../util/is-thenable';
import { validateFunction, validateMilliseconds, validateOptions, validateString } from '../util/validate';

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
  readonly #loop: RunLoop;
  readonly #schedule = new Schedule(this);
  readonly #counts = new ManagerStats();
  readonly #errorReporter: ErrorReporter;
  readonly #handlers: HandlerRegistry;
  /** What other threads see of this one, and what comes from them. */
  readonly #control = new OwnerControlBlock();
  /** @internal */
  readonly receiver: Receiver;

  constructor(options?: TaskManagerOptions) {
    const settings = toSettings(options);
    this.#loop = settings.loop;
    this.#errorReporter = new ErrorReporter(settings.onError);
    this.#handlers = new HandlerRegistry(this, this.#counts);
    const handler = new Executor(this, this.#handlers, this.#counts, this.#errorReporter, this.#control);
    this.receiver = new Receiver(settings, this.#control, handler);
    this.#loop.attach(this);
    this.#loop.time.add(this);
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
    return this.#schedule.time();
  }

  /** Installs a task here, or moves it here: as `task.installTask()`. */
  installTask(task: Task, options?: InstallOptions & RecurringOptions): void {
    validateTask(task);
    this.#refuseWhenClosed();
    if (task.isScheduled && task.taskInstallation?.manager !== this) {
      // With options that make no sense it stays where it is.
      task.taskCheck(options);
    }
    this.#adopt(task);
    task.installTask(options);
  }

  /** Takes a task out, in O(log n); nothing happens when it is not installed here. */
  suspendTask(task: Task): void {
    validateTask(task);
    if (task.taskInstallation?.manager !== this) {
      return;
    }
    this.#schedule.remove(task);
  }

  /** Installs a task again: at its `taskTime`, or a recurring one at its next time, never at one that has passed. */
  resumeTask(task: Task): void {
    validateTask(task);
    if (task.taskTime === null) {
      throw new InvalidTaskError('task time is None: the task was never installed');
    }
    this.#refuseWhenClosed();
    this.#adopt(task);
    if (task.taskIsRecurring) {
      this.installNext(task);
    } else {
      this.installAt(task, task.taskTime);
    }
  }

  /** Takes out the task that is due, if one is, and tells how many milliseconds it is until the next one. */
  getNextTask(): [task: Task | null, delta: number | null] {
    const now = this.#schedule.now();
    const task = this.#schedule.dequeueDue(now) ?? null;
    const due = this.#schedule.nextDue();
    return [task, this.#schedule.size === 0 ? null : Math.max(0, due - now)];
  }

  /** Runs a task, now, and installs it again when it is a recurring one. */
  processTask(task: Task): void {
    validateTask(task);
    this.#adopt(task);
    this.#process(task);
  }

  /** Installs a task on the wall clock, in the async context of the caller. @internal */
  installAt(task: Task, when: number): void {
    this.#refuseWhenClosed();
    this.#installed(task, this.#schedule.installAt(task, when, captureContext()));
    this.#loop.watchClock();
  }

  /** Installs a task so many milliseconds from now, in the async context of the caller. @internal */
  installIn(task: Task, delta: number): void {
    this.#refuseWhenClosed();
    this.#installed(task, this.#schedule.installIn(task, delta, captureContext()));
  }

  /** When a task is due, on the manager's own clock. @internal */
  dueOf(task: Task): number {
    return this.#schedule.dueOf(task);
  }

  /** Installs a task at a time on the monotonic clock, in the async context of the caller. @internal */
  installDue(task: Task, due: number): void {
    this.#refuseWhenClosed();
    this.#installed(task, this.#schedule.installDue(task, due, captureContext()));
  }

  /** Installs a recurring task at the next point of its grid. @internal */
  installNext(task: Task): void {
    this.installAt(task, nextTimeOf(task, this.#schedule.time()));
  }

  /** Has `handler` run the tasks named `name`, instead of any handler that was defined for it before. */
  define(name: string, handler: TaskHandler): void {
    validateString('name', name);
    validateFunction('handler', handler);
    this.#handlers.define(name, handler);
  }

  /** Schedules a named task from the manager's own thread. The payload is passed as it is. */
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): void {
    validateString('name', name);
    validateOptions(options);
    const { delta = 0, ...rest } = options ?? {};
    validateMilliseconds('options.delta', delta);
    const rarer = rareOptions(rest) ?? {};
    const run = (): unknown => this.#handlers.name(name).get()(payload, new NamedTaskContext(name, this));
    this.#handlers.install(name, run, () => {}, rarer, { delta });
  }

  /** What another thread needs to `TaskManager.connect()`: structured-cloneable. */
  get handle(): TaskManagerHandle {
    return this.receiver.handle;
  }

  /** What has been counted so far. */
  stats(): TaskManagerStats {
    return this.#counts.summarize(this.#schedule.size, this.receiver);
  }

  /**
   * Closes the manager: whoever installs or schedules something, here or from another thread, gets `ERR_TASK_MANAGER_CLOSED`. What
   * waits for its time is kept and not run; another manager's `installTask()` takes it over.
   */
  close(): void {
    this.#loop.detach(this);
    this.#loop.time.remove(this);
    this.receiver.close();
  }

  /** Goes by another clock, or by the system's again. @internal */
  useClock(clock: Clock = systemClock): void {
    this.#schedule.useClock(clock);
    this.#loop.reschedule();
  }

  /** Lives in virtual time, here and for other threads; `undefined` is the end of that. @internal */
  setVirtualTime(now: number | undefined): void {
    this.#control.setVirtualTime(now);
  }

  /** When the first task is due, on the manager's own clock. @internal */
  firstDue(): number {
    return this.#schedule.nextDue();
  }

  /** When the loop has to run the next task: virtual time does not pass by itself. @internal */
  nextDue(): number {
    const due = this.firstDue();
    if (!this.#control.isVirtual) {
      return due;
    }
    return due <= this.#schedule.now() ? Number.NEGATIVE_INFINITY : Infinity;
  }

  /** Runs what is due now, and returns whether something was. @internal */
  runDue(): boolean {
    const schedule = this.#schedule;
    const { clock } = schedule;
    const now = schedule.now();
    // What one of these tasks installs, and is due already, is the next pass's.
    const pass = schedule.beginPass();
    let task = schedule.dequeueDueInPass(now, pass);
    const isDue = task !== undefined;
    while (task !== undefined) {
      this.#process(task);
      // A task may have made a time machine, or restored it: then `now` is a time on another clock. Or it has closed this manager.
      task = schedule.clock === clock && !this.receiver.isClosed ? schedule.dequeueDueInPass(now, pass) : undefined;
    }
    return this.receiver.drain() || isDue;
  }

  /** Tells the producers that the owner sleeps, unless there is something to do first. @internal */
  beforeSleep(): boolean {
    return this.receiver.beforeSleep(() => this.nextDue());
  }

  /** Has what other threads send ring. @internal */
  listen(): void {
    this.receiver.listen();
  }

  #refuseWhenClosed(): void {
    if (this.receiver.isClosed) {
      throw new TaskManagerClosedError();
    }
  }

  /** Takes a task over from the manager it was in. */
  #adopt(task: Task): void {
    if (task.taskInstallation?.manager !== this) {
      task.suspendTask();
      this.#schedule.adopt(task);
    }
  }

  /** A task was installed, before all others or not. */
  #installed(task: Task, isFirst: boolean): void {
    this.#counts.ofTask(task).onSchedule();
    if (isFirst) {
      this.#loop.reschedule();
    }
  }

  /** Runs a task that was taken out, and installs it again when it is a recurring one. */
  #process(task: Task): void {
    const stats = this.#counts.ofTask(task);
    // The clock is read for those alone that are measured.
    const late = stats.isMeasured ? this.#schedule.now() - this.#schedule.dueOf(task) : Number.NaN;
    try {
      if (task.taskIsRecurring) {
        // Before the run, so that the task may suspend itself, and goes on when it throws.
        this.#installAgain(task, stats);
        if (task.taskSkips()) {
          this.#counts.skipped += 1;
          return;
        }
      }
      const result = runTask(task, stats, late);
      if (isThenable(result)) {
        this.#follow(task, result, stats);
      }
    } catch (error) {
      this.#errorReporter.report(error, stats);
    }
  }

  /** Installs a recurring task at its next point, in the context it was installed in. */
  #installAgain(task: Task, stats: NameStats): void {
    const time = this.#schedule.time();
    const { taskTime } = task;
    // A wall clock that is slowed down may be a hair before the point that the task runs for now: that is not to come again.
    const isEarly = taskTime !== null && taskTime > time && taskTime - time <= CLOCK_TOLERANCE;
    const next = nextTimeOf(task, isEarly ? taskTime : time);
    const isFirst = this.#schedule.installAt(task, next, task.taskInstallation?.context);
    stats.onSchedule();
    this.#loop.watchClock();
    if (isFirst) {
      this.#loop.reschedule();
    }
  }

  /** Waits for the end of a run that returned a promise. */
  #follow(task: Task, result: PromiseLike<unknown>, stats: NameStats): void {
    task.taskPending();
    // Not every `then()` keeps to calling one of the two, once.
    Promise.resolve(result).then(
      () => task.taskSettled(),
      (error: unknown) => {
        task.taskSettled();
        this.#errorReporter.report(error, stats);
      },
    );
  }
}

/** When a recurring task is due next. */
function nextTimeOf(task: Task, now: number): number {
  const next = task.taskNextTime(now);
  if (next === undefined) {
    throw new InvalidTaskError('interval must be greater than zero, and the offset finite');
  }
  return next;
}

function runTask(task: Task, stats: NameStats, late: number): unknown {
  const context = task.taskInstallation?.context;
  const start = stats.onStart(late);
  try {
    return context === undefined ? task.processTask() : runInContext(context, callTask, task);
  } finally {
    stats.onEnd(start);
  }
}

function callTask(task: Task): unknown {
  return task.processTask();
}

function isGone(error: unknown): boolean {
  return [InvalidHandleError, EventClosedError, TaskManagerClosedError].some((kind) => error instanceof kind);
}

function validateTask(task: unknown): void {
  if (!(task instanceof Task)) {
    throw new InvalidArgTypeError('task', 'a Task', task);
  }
}
