/** The inside of a task manager: the tasks of its thread, and the three sides that know it: tasks, loop and virtual time. */

import { CLOCK_TOLERANCE, type Clock, systemClock } from '../platform/clock';
import { OwnerControlBlock } from '../protocol';
import { Receiver } from '../server';
import {
  type InstallOptions,
  type RecurringOptions,
  Schedule,
  type Task,
  type TaskOwner,
  captureContext,
  checkOptions,
  installation,
  isRecurring,
  nextTime,
  onPending,
  onSettled,
  runInContext,
  skipsRun,
} from '../tasks';
import { InvalidTaskError, TaskManagerClosedError } from '../util/errors';
import { isThenable } from '../util/is-thenable';
import type { Participant } from '../virtual-time';
import { ErrorReporter } from './error-reporter';
import { Executor } from './executor';
import { HandlerRegistry } from './handler-registry';
import type { TaskHost, TaskSource } from './host';
import type { TaskManagerSettings } from './options';
import { ManagerStats } from './manager-stats';
import type { NameStats } from './name-stats';

/** What the runner calls of its manager: a subclass may override these. */
interface PublicSide {
  suspendTask(task: Task): void;
  resumeTask(task: Task): void;
}

/** Installs, orders and runs the tasks of one manager. */
export class TaskRunner implements TaskOwner, TaskSource, Participant {
  readonly stats: ManagerStats = new ManagerStats();
  readonly handlers: HandlerRegistry;
  readonly receiver: Receiver;
  readonly #manager: PublicSide;
  readonly #host: TaskHost;
  readonly #schedule = new Schedule(this);
  readonly #errorReporter: ErrorReporter;
  /** What other threads see of this manager. */
  readonly #control = new OwnerControlBlock();

  constructor(manager: PublicSide, settings: TaskManagerSettings) {
    this.#manager = manager;
    this.#host = settings.host;
    this.#errorReporter = new ErrorReporter(settings.onError);
    this.handlers = new HandlerRegistry(this, this.stats);
    this.receiver = new Receiver(
      settings,
      this.#control,
      (replies) => new Executor(manager, this.handlers, this.stats, this.#errorReporter, this.#control, replies),
    );
    this.#host.attach(this);
    this.#host.clock.add(this);
  }

  /** How many tasks wait for their time. */
  get pending(): number {
    return this.#schedule.size;
  }

  /** Returns the time on the wall clock, in milliseconds since the epoch, with fractions. */
  time(): number {
    return this.#schedule.time();
  }

  close(): void {
    this.#host.detach(this);
    this.#host.clock.remove(this);
    this.receiver.close();
  }

  /** Installs a task here, or moves it here: as `task.installTask()`. */
  install(task: Task, options?: InstallOptions & RecurringOptions): void {
    this.#refuseWhenClosed();
    if (task.isScheduled && task[installation]?.owner !== this) {
      // With options that make no sense it stays where it is.
      task[checkOptions](options);
    }
    this.#adopt(task);
    task.installTask(options);
  }

  /** Takes a task out; does nothing when it is not installed here. */
  remove(task: Task): void {
    if (task[installation]?.owner === this) {
      this.#schedule.remove(task);
    }
  }

  /** Installs a task again: at its `taskTime`, or a recurring one at its next time, never at one that has passed. */
  resume(task: Task): void {
    const { taskTime } = task;
    if (taskTime === null) {
      throw new InvalidTaskError('task time is None: the task was never installed');
    }
    this.#refuseWhenClosed();
    this.#adopt(task);
    if (task[isRecurring]) {
      this.installNext(task);
    } else {
      this.installAt(task, taskTime);
    }
  }

  suspendTask(task: Task): void {
    this.#manager.suspendTask(task);
  }

  resumeTask(task: Task): void {
    this.#manager.resumeTask(task);
  }

  /** Takes out the task that is due, if one is, and tells how many milliseconds it is until the next one. */
  dequeueNext(): [task: Task | null, delta: number | null] {
    const now = this.#schedule.now();
    const task = this.#schedule.dequeueDue(now) ?? null;
    const due = this.#schedule.nextDue();
    return [task, this.#schedule.size === 0 ? null : Math.max(0, due - now)];
  }

  /** Runs a task, now, and installs it again when it is a recurring one. */
  process(task: Task): void {
    this.#adopt(task);
    this.#process(task);
  }

  /** Installs a task on the wall clock, in the async context of the caller. */
  installAt(task: Task, when: number): void {
    this.#refuseWhenClosed();
    this.#installed(task, this.#schedule.installAt(task, when, captureContext()));
    this.#host.watchClock();
  }

  /** Installs a task so many milliseconds from now, in the async context of the caller. */
  installIn(task: Task, delta: number): void {
    this.#refuseWhenClosed();
    this.#installed(task, this.#schedule.installIn(task, delta, captureContext()));
  }

  /** When a task is due, on the manager's own clock. */
  dueOf(task: Task): number {
    return this.#schedule.dueOf(task);
  }

  /** Installs a task at a time on the monotonic clock, in the async context of the caller. */
  installDue(task: Task, due: number): void {
    this.#refuseWhenClosed();
    this.#installed(task, this.#schedule.installDue(task, due, captureContext()));
  }

  /** Installs a recurring task at the next point of its grid. */
  installNext(task: Task): void {
    this.installAt(task, nextTimeOf(task, this.#schedule.time()));
  }

  /** Goes by another clock, or by the system's again. */
  useClock(clock: Clock = systemClock): void {
    this.#schedule.useClock(clock);
    this.#host.requestPass();
  }

  /** Lives in virtual time, here and for other threads; `undefined` is the end of that. */
  setVirtualTime(now: number | undefined): void {
    this.#control.setVirtualTime(now);
  }

  /** When the first task is due, on the manager's own clock. */
  firstDue(): number {
    return this.#schedule.nextDue();
  }

  /** When the loop has to run the next task: virtual time does not pass by itself. */
  nextDue(): number {
    const due = this.firstDue();
    if (!this.#control.isVirtual) {
      return due;
    }
    return due <= this.#schedule.now() ? Number.NEGATIVE_INFINITY : Infinity;
  }

  /** Runs what is due now, and returns whether something was. */
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

  /** Tells the producers that the owner sleeps, unless there is something to do first. */
  beforeSleep(): boolean {
    return this.receiver.beforeSleep(() => this.nextDue());
  }

  /** Has what other threads send ring. */
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
    if (task[installation]?.owner !== this) {
      task.suspendTask();
      this.#schedule.adopt(task);
    }
  }

  /** A task was installed, before all others or not. */
  #installed(task: Task, isFirst: boolean): void {
    this.stats.ofTask(task).onSchedule();
    if (isFirst) {
      this.#host.requestPass();
    }
  }

  /** Runs a task that was taken out, and installs it again when it is a recurring one. */
  #process(task: Task): void {
    const stats = this.stats.ofTask(task);
    // The clock is read for those alone that are measured.
    const late = stats.isMeasured ? this.#schedule.now() - this.#schedule.dueOf(task) : Number.NaN;
    try {
      if (task[isRecurring]) {
        // Before the run, so that the task may suspend itself, and goes on when it throws.
        this.#installAgain(task, stats);
        if (task[skipsRun]()) {
          this.stats.skipped += 1;
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
    const isFirst = this.#schedule.installAt(task, next, task[installation]?.context);
    stats.onSchedule();
    this.#host.watchClock();
    if (isFirst) {
      this.#host.requestPass();
    }
  }

  /** Waits for the end of a run that returned a promise. */
  #follow(task: Task, result: PromiseLike<unknown>, stats: NameStats): void {
    task[onPending]();
    // Not every `then()` keeps to calling one of the two, once.
    Promise.resolve(result).then(
      () => task[onSettled](),
      (error: unknown) => {
        task[onSettled]();
        this.#errorReporter.report(error, stats);
      },
    );
  }
}

/** When a recurring task is due next. */
function nextTimeOf(task: Task, now: number): number {
  const next = task[nextTime](now);
  if (next === undefined) {
    throw new InvalidTaskError('interval must be greater than zero, and the offset finite');
  }
  return next;
}

function runTask(task: Task, stats: NameStats, late: number): unknown {
  const context = task[installation]?.context;
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
