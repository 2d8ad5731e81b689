/**
 * The inside of a task manager. It implements the interfaces by which tasks, the loop and virtual time know the
 * manager.
 */

import {
  OwnerControlBlock,
  REHEARSAL,
  type TaskCarrier,
  type TaskManagerCounts,
  isTracing,
  traceRun,
  updateTracing,
} from '../protocol';
import { type CreateRecordHandler, Receiver } from '../server';
import {
  type InstallOptions,
  NextTimeTask,
  type RecurringOptions,
  Schedule,
  Task,
  type TaskOwner,
  captureContext,
  checkOptions,
  installation,
  isRecurring,
  nextTime,
  onPending,
  onSettled,
  queuedTime,
  runForPoint,
  runInContext,
  skipsRun,
} from '../tasks';
import type { Participant } from '../virtual-time';
import { type Clock, CLOCK_TOLERANCE, debug, isDebugging, reserveStack, systemClock, workerThreads } from '../platform';
import { InvalidArgTypeError, InvalidTaskError, TaskManagerClosedError, isThenable } from '../util';
import { ErrorReporter } from './error-reporter';
import { Executor } from './executor';
import { HandlerRegistry } from './handler-registry';
import type { TaskHost, TaskSource } from './host';
import { LocalTask, LocalTasks } from './local-task';
import { type TaskManagerOptions, type TaskManagerSettings, toSettings } from './options';
import { ManagerStats } from './manager-stats';
import { type NameStats, isScheduleObserved } from './name-stats';
import { NamedTask } from './named-task';

/** The methods that the runner calls on its manager, because a subclass may override them. */
interface PublicSide {
  readonly suspendTask: (task: Task) => void;
  resumeTask(task: Task): void;
}

/** Installs, orders and runs the tasks of one manager. */
export class TaskRunner implements TaskOwner, TaskSource, Participant {
  readonly stats: ManagerStats = new ManagerStats(this);
  readonly handlers: HandlerRegistry;
  readonly receiver: Receiver;
  readonly #manager: PublicSide;
  /** The manager's `suspendTask()` if nothing overrides it. */
  readonly #plainSuspend: PublicSide['suspendTask'];
  readonly #host: TaskHost;
  readonly #schedule = new Schedule(this);
  readonly #local: LocalTasks;
  readonly #errorReporter: ErrorReporter;
  /** The memory in which other threads see the state of this manager. */
  readonly #control = new OwnerControlBlock();

  constructor(manager: PublicSide, plainSuspend: PublicSide['suspendTask'], settings: TaskManagerSettings) {
    this.#manager = manager;
    this.#plainSuspend = plainSuspend;
    this.#host = settings.host;
    this.#errorReporter = new ErrorReporter(settings.onError);
    this.handlers = new HandlerRegistry(this, this.stats);
    this.#local = new LocalTasks(manager, this.handlers, this.stats);
    const count = (): TaskManagerCounts => this.stats.count(this.pending, this.receiver);
    const createExecutor =
      (handlers: HandlerRegistry, stats: ManagerStats): CreateRecordHandler =>
      (replies, threadId) =>
        new Executor(manager, handlers, stats, count, this.#errorReporter, this.#control, replies, threadId);
    this.receiver = new Receiver(manager, settings, this.#control, {
      create: createExecutor(this.handlers, this.stats),
      createForRehearsal: () => {
        if (isTracing || isScheduleObserved()) {
          return undefined;
        }
        // The only name counts like one with a handler.
        const stats = new ManagerStats({ handlers: { has: () => true } });
        const handlers = new HandlerRegistry(this, stats);
        handlers.defineForRehearsal(REHEARSAL);
        return createExecutor(handlers, stats);
      },
    });
    this.#host.attach(this);
    this.#host.clock.add(this);
  }

  interceptErrors(intercept: ((error: unknown) => boolean) | undefined): void {
    this.#errorReporter.intercept(intercept);
  }

  /** Throws when `task` is no task. */
  validateTask(task: unknown): void {
    if (!(task instanceof Task)) {
      throw new InvalidArgTypeError('task', 'a Task', task);
    }
  }

  /** Makes the task of a name that this thread schedules. */
  makeLocalTask(isTimed: boolean, carrier: TaskCarrier | undefined): LocalTask {
    return new LocalTask(this.#local, isTimed, carrier);
  }

  clear(): void {
    for (const task of this.#schedule.tasks()) {
      if (task instanceof NamedTask) {
        this.stats.of(task.name).cancelled += 1;
        task.cancel();
      } else {
        task.suspendTask();
      }
    }
  }

  /** Returns the tasks that wait, in the order in which they are due, each with its time on the wall clock. */
  tasks(): Iterable<readonly [task: Task, due: number]> {
    return this.#schedule.ordered();
  }

  /** Returns the number of tasks that wait for their time. */
  get pending(): number {
    return this.#schedule.size;
  }

  /** Returns the time on the wall clock, in milliseconds since the epoch, with fractions. */
  time(): number {
    return this.#schedule.time();
  }

  /** Returns the time on the clock of the tasks. */
  now(): number {
    return this.#schedule.now();
  }

  /** Changes the options that are given. Throws for those that other threads know already. */
  configure(options: Omit<TaskManagerOptions, 'loop'>): void {
    const settings = toSettings(options);
    const given = options ?? {};
    const changes = (['capacity', 'onFull'] as const).filter((name) => given[name] !== undefined);
    if (changes.length > 0) {
      this.receiver.configure(Object.fromEntries(changes.map((name) => [name, settings[name]])));
    }
    if (given.onError !== undefined) {
      this.#errorReporter.setOnError(settings.onError);
    }
  }

  /** Closes the manager. Waiting tasks stay in the queue and do not run. */
  close(): void {
    reserveStack();
    if (isDebugging && !this.receiver.isClosed) {
      debug('the task manager is closed');
    }
    this.#host.detach(this);
    this.#host.clock.remove(this);
    this.receiver.close();
  }

  /** Installs a task here, or moves it here: as `task.installTask()`. */
  install(task: Task, options?: InstallOptions & RecurringOptions): void {
    this.#refuseWhenClosed();
    if (task.isScheduled && task[installation]?.owner !== this) {
      // If the options are invalid, the task stays in its manager.
      task[checkOptions](options);
    }
    this.#adopt(task);
    task.installTask(options);
  }

  /** Removes a task; does nothing when it is not installed here. */
  remove(task: Task): void {
    // The queue itself knows whether it has the task.
    this.#schedule.remove(task);
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

  /** Does what the manager's `suspendTask()` does, and calls it only where a subclass overrides it: 2 ns of 38 less. */
  suspendTask(task: Task): void {
    if (this.#manager.suspendTask === this.#plainSuspend) {
      this.#schedule.remove(task);
    } else {
      this.#manager.suspendTask(task);
    }
  }

  /** Calls the manager's `resumeTask()`, which a subclass may override. */
  resumeTask(task: Task): void {
    this.#manager.resumeTask(task);
  }

  /** Dequeues the first task if it is due. Returns it, and the milliseconds until the next one is due. */
  dequeueNext(): [task: Task | null, delta: number | null] {
    reserveStack();
    const now = this.#schedule.now();
    const task = this.#schedule.dequeueDue(now) ?? null;
    const due = this.#schedule.nextDue();
    return [task, this.#schedule.size === 0 ? null : Math.max(0, due - now)];
  }

  /** Runs a task now, and installs it again when it is a recurring one. */
  process(task: Task): void {
    reserveStack();
    updateTracing();
    this.#adopt(task);
    this.#process(task);
  }

  /** Installs a task on the wall clock, in the async context of the caller. */
  installAt(task: Task, when: number): void {
    this.#refuseWhenClosed();
    try {
      this.#onInstalled(task, this.#schedule.installAt(task, when, captureContext()));
      this.#host.watchClock();
    } catch (error) {
      // The task may be in the queue, though no pass was requested for it: the next one that is installed does that.
      this.#schedule.earliest = Infinity;
      throw error;
    }
  }

  /** Installs a task so many milliseconds from now, in the async context of the caller. */
  installIn(task: Task, delta: number): void {
    this.#refuseWhenClosed();
    try {
      this.#onInstalled(task, this.#schedule.installIn(task, delta, captureContext()));
    } catch (error) {
      this.#schedule.earliest = Infinity;
      throw error;
    }
  }

  /** Returns when a task is due, on the manager's own clock. */
  dueOf(task: Task): number {
    return this.#schedule.dueOf(task);
  }

  /** Installs a task at a time on the monotonic clock, in the async context of the caller. */
  installDue(task: Task, due: number): void {
    this.#refuseWhenClosed();
    try {
      this.#onInstalled(task, this.#schedule.installDue(task, due, captureContext()));
    } catch (error) {
      this.#schedule.earliest = Infinity;
      throw error;
    }
  }

  /** Installs a recurring task at its next time; removes it when there is none. */
  installNext(task: Task): void {
    const time = nextTimeOf(task, this.#schedule.time());
    if (time === Infinity) {
      task.suspendTask();
    } else {
      this.installAt(task, time);
    }
  }

  /** Changes the clock; by default to the system's. */
  useClock(clock: Clock = systemClock): void {
    this.#schedule.useClock(clock);
    this.#host.requestPass();
  }

  /** Publishes the virtual time to other threads; `undefined` ends virtual time. */
  setVirtualTime(now: number | undefined): void {
    this.#control.setVirtualTime(now);
  }

  /** Returns when the first task is due, on the manager's own clock; `Infinity` when there is none. */
  firstDue(): number {
    return this.#schedule.nextDue();
  }

  /**
   * Returns when the loop must run the next task. Virtual time does not pass by itself, so a later task needs no alarm.
   */
  nextDue(): number {
    const due = this.firstDue();
    if (!this.#control.isVirtual) {
      return due;
    }
    return due <= this.#schedule.now() ? Number.NEGATIVE_INFINITY : Infinity;
  }

  /** Runs what is due now. Returns whether anything was. */
  runDue(): boolean {
    const schedule = this.#schedule;
    if (schedule.size === 0) {
      return this.receiver.drain();
    }
    reserveStack();
    updateTracing();
    const { clock } = schedule;
    const now = schedule.now();
    // A task that one of these tasks installs runs in the next pass, even if it is already due.
    const pass = schedule.beginPass();
    let task = schedule.dequeueDueInPass(now, pass);
    const isDue = task !== undefined;
    while (task !== undefined) {
      this.#process(task);
      // A task may have made or restored a time machine, so that `now` is a time on another clock. Or it has closed
      // this manager.
      task = schedule.clock === clock && !this.receiver.isClosed ? schedule.dequeueDueInPass(now, pass) : undefined;
    }
    return this.receiver.drain() || isDue;
  }

  /** Marks the owner as asleep, so that producers notify it. Returns false when there is work to do first. */
  beforeSleep(): boolean {
    return this.receiver.beforeSleep(() => this.nextDue());
  }

  /** Makes producers notify this thread of what they send. */
  listen(): void {
    this.receiver.listen();
  }

  /** Learns that a run of the loop has ended. */
  onStop(): void {
    this.receiver.watch();
  }

  /** Throws when the manager is closed. */
  #refuseWhenClosed(): void {
    if (this.receiver.isClosed) {
      throw new TaskManagerClosedError();
    }
  }

  /** Moves a task here from the manager it was in. */
  #adopt(task: Task): void {
    if (task[installation]?.owner !== this) {
      task.suspendTask();
      this.#schedule.adopt(task);
    }
  }

  /** Counts a task that was installed. Requests a pass when it comes before all others. */
  #onInstalled(task: Task, isFirst: boolean): void {
    this.stats.ofTask(task).onSchedule();
    if (isFirst) {
      this.#host.requestPass();
    }
  }

  /** Runs a task that was dequeued, and installs it again when it is a recurring one. */
  #process(task: Task): void {
    const stats = this.stats.ofTask(task);
    // The clock is read only for a run that is measured.
    const late = stats.isMeasured ? this.#schedule.now() - this.#schedule.dueOf(task) : Number.NaN;
    try {
      let result: unknown;
      if (task[isRecurring]) {
        const point = task[queuedTime];
        // It is installed before the run, so that it may suspend itself, and is installed also when it throws.
        this.#installAgain(task, stats);
        if (task[skipsRun]()) {
          this.stats.skipped += 1;
          return;
        }
        const run = (): unknown => runTask(task, stats, late);
        result = point === null ? run() : runForPoint(task, point, run);
      } else {
        result = runTask(task, stats, late);
      }
      if (isThenable(result)) {
        this.#follow(task, result, stats);
      }
    } catch (error) {
      this.#errorReporter.report(error, stats);
    }
  }

  /** Installs a recurring task at its next time, if there is one, in the async context in which it was installed. */
  #installAgain(task: Task, stats: NameStats): void {
    const time = this.#schedule.time();
    const taskTime = task[queuedTime];
    // A wall clock that is slowed down may be a little before the current point of the task, which must not be used
    // again.
    const isEarly = taskTime !== null && taskTime > time && taskTime - time <= CLOCK_TOLERANCE;
    let next: number;
    try {
      next = nextTimeOf(task, isEarly ? taskTime : time);
    } catch (error) {
      if (task instanceof NextTimeTask) {
        // It still runs, for the last time: what failed is a function of the program.
        this.#errorReporter.report(error, stats);
        return;
      }
      throw error;
    }
    if (next === Infinity) {
      return;
    }
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
    // Promise.resolve() makes exactly one of the two callbacks run, once. Not every `then()` does.
    Promise.resolve(result).then(
      () => task[onSettled](),
      (error: unknown) => {
        task[onSettled]();
        this.#errorReporter.report(error, stats);
      },
    );
  }
}

/** Returns when a recurring task is due next. Throws `ERR_INVALID_TASK` when its fields are invalid. */
function nextTimeOf(task: Task, now: number): number {
  const next = task[nextTime](now);
  if (next === undefined) {
    throw new InvalidTaskError('interval must be greater than zero, and the offset finite');
  }
  return next;
}

/** Runs a task in its async context, and counts the run. */
function runTask(task: Task, stats: NameStats, late: number): unknown {
  const context = task[installation]?.context;
  const start = stats.onStart(late);
  try {
    return context === undefined ? callTask(task) : runInContext(context, callTask, task);
  } finally {
    stats.onEnd(start);
  }
}

function callTask(task: Task): unknown {
  // A named task is traced where its handler is called, with what is known there.
  return isTracing && !(task instanceof NamedTask) ? traceTask(task) : task.processTask();
}

function traceTask(task: Task): unknown {
  const due = task.taskTime ?? undefined;
  const { threadId } = workerThreads();
  const message = { name: task.constructor.name, id: undefined, thread: threadId, due, carrier: undefined };
  return traceRun(message, () => task.processTask());
}
