/** The task manager: what is due in a loop, and what other threads have scheduled there. */

import { type RecordableHistogram, createHistogram } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';

import { captureContext, runInContext } from './async-context';
import { CLOCK_TOLERANCE, type Clock, systemClock } from './clock';
import { RunLoop, type TaskSource, core } from './core';
import {
  InvalidArgTypeError,
  InvalidArgValueError,
  InvalidHandleError,
  InvalidTaskError,
  TaskCancelledError,
  TaskManagerClosedError,
} from './errors';
import { WaitableEvent } from './event';
import { Inbox } from './inbox';
import { Lockstep, type Threads } from './lockstep';
import { fast } from './native';
import { HandlerName, NamedTask, NamedTaskContext, type TaskHandler } from './named-task';
import type { Producer, Recipient } from './producer';
import { RemoteTaskManager } from './remote';
import { Schedule } from './schedule';
import { type ScheduleOptions, rareOptions } from './schedule-options';
import { NameStats, type TaskStats, record } from './stats';
import { type InstallOptions, type RecurringOptions, Task } from './task';
import {
  ARMED_UNTIL,
  ASLEEP_BIT,
  CONTROL_BYTES,
  CONTROL_RESUME,
  CONTROL_SUSPEND,
  IS_VIRTUAL,
  OWNER_STATE,
  POSTED,
  RUNG_AT,
  VIRTUAL_NOW,
  type RemoteOptions,
  type TaskManagerHandle,
} from './task-protocol';
import { validateFunction, validateInteger, validateMilliseconds, validateOptions } from './validate';

/** Options of `new TaskManager()`. */
export interface TaskManagerOptions {
  /**
   * The loop that runs the tasks.
   * @default this thread's own loop, `core`
   */
  loop?: RunLoop;
  /**
   * How many tasks of one producer may wait to be taken over, 2 to 1048576; rounded up to a power of two.
   * @default 4096
   */
  capacity?: number;
  /**
   * What a producer does when that many wait: block until there is room, or throw `ERR_QUEUE_FULL`.
   * @default 'block'
   */
  onFull?: 'block' | 'throw';
  /**
   * Called with what a task throws.
   * @default an `error` on the console
   */
  onError?: (error: unknown, name: string) => void;
}

/** What a manager has counted since it was made. */
export interface TaskManagerStats {
  /** Tasks that were scheduled or installed; each run of a recurring one counts. */
  scheduled: number;
  /** Tasks that were run. */
  run: number;
  /** Tasks that threw, or whose promise was rejected. */
  failed: number;
  /** Tasks that were cancelled before they began. */
  cancelled: number;
  /** Runs of recurring tasks that were left out because the last one was not over. */
  skipped: number;
  /** Tasks that wait for their time. */
  pending: number;
  /** Tasks whose payload had begun to come when their thread ended: they do not run. */
  torn: number;
  /** How often the loop was woken for tasks of other threads. */
  wakeUps: number;
  /** How many tasks came from other threads and needed no wake-up of their own. */
  wakeUpsSaved: number;
  /** From the first ringing of a producer to the loop's answer, in nanoseconds. */
  wakeUpLatency: RecordableHistogram;
  /** The same for each name: that of a handler, or the class of a task of the manager's own thread. */
  byName: Record<string, TaskStats>;
}

const DEFAULT_CAPACITY = 4096;

/** Where a named task's time counts from when it is not on the wall clock: now, or the beginning of the monotonic clock. */
type From = { readonly delta: number } | { readonly due: number };

/** How long, in milliseconds, a pass goes on with those who block for answers. */
const CONVERSATION = 0.25;

/** Answers to a cancel: indices of CANCEL_OUTCOMES. */
const CANCELLED = 0;
const RUNNING = 1;
const DONE = 2;

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
export class TaskManager implements TaskSource {
  readonly #loop: RunLoop;
  readonly #capacity: number;
  readonly #onFull: 'block' | 'throw';
  readonly #onError: (error: unknown, name: string) => void;
  readonly #handlers = new Map<string, HandlerName>();
  readonly #schedule = new Schedule(this);
  #handle: TaskManagerHandle | undefined;
  #trigger: WaitableEvent | undefined;
  #inbox: Inbox | undefined;
  #lockstep: Lockstep | undefined;
  readonly #control = new SharedArrayBuffer(CONTROL_BYTES);
  readonly #state = new Int32Array(this.#control);
  readonly #times = new Float64Array(this.#control);
  readonly #byKey = new Map<string, NamedTask>();
  readonly #names = new Map<string, NameStats>();
  /** The class of the last task, and what is counted for it. */
  #lastClass: unknown;
  #lastStats: NameStats | undefined;
  /** What the producers see of the last sleep: see `task-protocol.ts`. */
  #sleep = 0;
  #isClosed = false;
  #skipped = 0;
  #wakeUps = 0;
  readonly #wakeUpLatency = createHistogram();

  constructor(options?: TaskManagerOptions) {
    validateOptions(options);
    const { loop = core, capacity = DEFAULT_CAPACITY, onFull = 'block', onError = report } = options ?? {};
    if (!(loop instanceof RunLoop)) {
      throw new InvalidArgTypeError('options.loop', 'a RunLoop', loop);
    }
    validateInteger('options.capacity', capacity, 2, 1 << 20);
    if (onFull !== 'block' && onFull !== 'throw') {
      throw new InvalidArgValueError('options.onFull', "'block' or 'throw'", onFull);
    }
    validateFunction('options.onError', onError);
    this.#loop = loop;
    this.#capacity = 2 ** Math.ceil(Math.log2(capacity));
    this.#onFull = onFull;
    this.#onError = onError;
    loop.attach(this);
  }

  /** The manager that another thread owns, for this one. Throws `ERR_INVALID_HANDLE` when there is none any more. */
  static connect(handle: TaskManagerHandle): RemoteTaskManager {
    if (typeof handle !== 'object' || handle === null || typeof handle.channel !== 'string') {
      throw new InvalidHandleError('task manager');
    }
    return new RemoteTaskManager(handle);
  }

  /** The time on the wall clock, in milliseconds since the epoch, with fractions. */
  getTime(): number {
    return this.#schedule.time();
  }

  /** Installs a task here, or moves it here: as `task.installTask()`. */
  installTask(task: Task, options?: InstallOptions & RecurringOptions): void {
    validateTask(task);
    this.#adopt(task);
    task.installTask(options);
  }

  /** Takes a task out, in O(log n); nothing happens when it is not installed here. */
  suspendTask(task: Task): void {
    validateTask(task);
    if (task.installation?.manager !== this) {
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
    this.#adopt(task);
    if (task.isRecurring) {
      this.installNext(task);
    } else {
      this.installAt(task, task.taskTime);
    }
  }

  /** Takes out the task that is due, if one is, and tells how many milliseconds it is until the next one. */
  getNextTask(): [task: Task | null, delta: number | null] {
    const now = this.#schedule.now();
    const task = this.#schedule.takeDue(now) ?? null;
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
    this.#installed(task, this.#schedule.installAt(task, when, captureContext()));
    this.#loop.watchClock();
  }

  /** Installs a task so many milliseconds from now, in the async context of the caller. @internal */
  installIn(task: Task, delta: number): void {
    this.#installed(task, this.#schedule.installIn(task, delta, captureContext()));
  }

  /** When a task is due, on the manager's own clock. @internal */
  dueOf(task: Task): number {
    return this.#schedule.dueOf(task);
  }

  /** Installs a recurring task at the next point of its grid. @internal */
  installNext(task: Task): void {
    const next = task.nextTime(this.getTime());
    if (next !== undefined) {
      this.installAt(task, next);
    }
  }

  /** Has `handler` run the tasks named `name`, instead of any handler that was defined for it before. */
  define(name: string, handler: TaskHandler): void {
    if (typeof name !== 'string') {
      throw new InvalidArgTypeError('name', 'a string', name);
    }
    validateFunction('handler', handler);
    this.#handlerName(name).handler = handler;
  }

  /** Schedules a named task from the manager's own thread. The payload is passed as it is. */
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): void {
    if (typeof name !== 'string') {
      throw new InvalidArgTypeError('name', 'a string', name);
    }
    validateOptions(options);
    const { delta = 0, ...rest } = options ?? {};
    validateMilliseconds('options.delta', delta);
    const rarer = rareOptions(rest) ?? {};
    const run = (): unknown => this.#handlerName(name).get()(payload, new NamedTaskContext(name, this));
    this.#add(name, run, () => {}, rarer, { delta });
  }

  /** What another thread needs to `TaskManager.connect()`: structured-cloneable. */
  get handle(): TaskManagerHandle {
    if (this.#handle === undefined) {
      if (this.#isClosed) {
        throw new TaskManagerClosedError();
      }
      const trigger = new WaitableEvent();
      trigger.handleRead = () => this.#onTrigger();
      trigger.closeWithThread();
      this.#loop.addInternal(trigger);
      this.#trigger = trigger;
      const channel = `waitable-event.task-manager.${trigger.handle.key}`;
      this.#inbox = new Inbox(channel, this.#recipient(), () => this.#loop.nudge());
      this.#times[ARMED_UNTIL] = Infinity;
      this.#sayAsleep();
      this.#handle = Object.freeze({
        trigger: trigger.handle,
        control: this.#control,
        channel,
        threadId,
        capacity: this.#capacity,
        onFull: this.#onFull,
      });
    }
    return this.#handle;
  }

  /** What has been counted so far. */
  stats(): TaskManagerStats {
    const all = [...this.#names.values()];
    const sum = (count: 'scheduled' | 'run' | 'failed' | 'cancelled'): number =>
      all.reduce((total, stats) => total + stats[count], 0);
    return {
      scheduled: sum('scheduled'),
      run: sum('run'),
      failed: sum('failed'),
      cancelled: sum('cancelled'),
      skipped: this.#skipped,
      pending: this.#schedule.size,
      torn: this.#inbox?.torn ?? 0,
      wakeUps: this.#wakeUps,
      wakeUpsSaved: Math.max(0, (this.#inbox?.received ?? 0) - this.#wakeUps),
      wakeUpLatency: this.#wakeUpLatency,
      byName: Object.fromEntries(this.#names),
    };
  }

  /** Closes the manager to other threads: they get `ERR_TASK_MANAGER_CLOSED`. What waits for its time here is kept. */
  close(): void {
    this.#isClosed = true;
    this.#loop.detach(this);
    if (this.#trigger !== undefined) {
      this.#loop.removeInternal(this.#trigger);
      this.#trigger.close();
    }
    this.#inbox?.close();
  }

  /** Goes by another clock, or by the system's again. @internal */
  useClock(clock: Clock = systemClock): void {
    this.#schedule.useClock(clock);
    this.#loop.reschedule();
  }

  /** Lives in virtual time, here and for other threads; `undefined` is the end of that. @internal */
  setVirtualTime(now: number | undefined): void {
    // First the time, then the word.
    this.#times[VIRTUAL_NOW] = now ?? (this.#times[VIRTUAL_NOW] as number);
    Atomics.store(this.#state, IS_VIRTUAL, now === undefined ? 0 : 1);
  }

  /** Begins a journey: until `endJourney()`, what other threads send is taken by `takeMail()` alone. @internal */
  beginJourney(): Lockstep {
    // Threads need not ring for what they send; they ring when they come to rest.
    Atomics.store(this.#state, OWNER_STATE, 0);
    this.#lockstep = new Lockstep(this.#state, () => this.#threads());
    return this.#lockstep;
  }

  /** @internal */
  endJourney(): void {
    this.#lockstep = undefined;
    this.#loop.nudge();
  }

  /** Takes over what other threads have sent. @internal */
  takeMail(): void {
    this.#inbox?.drain(Atomics.exchange(this.#state, POSTED, 0) !== 0);
  }

  /** When the first task is due, on the manager's own clock. @internal */
  firstDue(): number {
    return this.#schedule.nextDue();
  }

  /** When the loop has to run the next task: virtual time does not pass by itself. @internal */
  nextDue(): number {
    const due = this.firstDue();
    if (this.#state[IS_VIRTUAL] === 0) {
      return due;
    }
    return due <= this.#schedule.now() ? Number.NEGATIVE_INFINITY : Infinity;
  }

  /** Runs what is due now. @internal */
  runDue(): void {
    const now = this.#schedule.now();
    const { nextOrder } = this.#schedule;
    // What one of these tasks installs, and is due already, is the next pass's.
    let task = this.#schedule.takeDue(now, nextOrder);
    while (task !== undefined) {
      this.#process(task);
      task = this.#schedule.takeDue(now, nextOrder);
    }
    this.#drain();
  }

  /** Tells the producers that the owner sleeps, unless there is something to do first. @internal */
  beforeSleep(): boolean {
    if (this.#handle === undefined || this.#lockstep !== undefined) {
      return true;
    }
    if (this.#inbox?.hasTakenMany() === true) {
      // Producers are at it. On a core that they share with this thread, the first task after the word would wake it, and it
      // would find that one task (measured: a wake-up for every 400 tasks, 17 ns of 127 for each task). So they go first.
      fast.yieldThread();
      if (!this.#inbox.isEmpty()) {
        return false;
      }
    }
    // The order is the promise: first the word, then the queues. See `task-protocol.ts`.
    this.#times[RUNG_AT] = 0;
    this.#times[ARMED_UNTIL] = this.nextDue();
    this.#sayAsleep();
    const idle = Atomics.load(this.#state, POSTED) === 0 && this.#inbox?.isEmpty() !== false;
    if (!idle) {
      this.#sayAwake();
    }
    return idle;
  }

  /** Takes a task over from the manager it was in. */
  #adopt(task: Task): void {
    if (task.installation?.manager !== this) {
      task.suspendTask();
      this.#schedule.adopt(task);
    }
  }

  /** A task was installed, before all others or not. */
  #installed(task: Task, isFirst: boolean): void {
    this.#statsOfTask(task).onSchedule();
    if (isFirst) {
      this.#loop.reschedule();
    }
  }

  /** Runs a task that was taken out, and installs it again when it is a recurring one. */
  #process(task: Task): void {
    const stats = this.#statsOfTask(task);
    // The clock is read for those alone that are measured.
    const late = stats.isMeasured ? this.#schedule.now() - this.#schedule.dueOf(task) : Number.NaN;
    if (task.isRecurring) {
      // Before the run, so that the task may suspend itself, and goes on when it throws.
      this.#installAgain(task, stats);
      if (task.skips()) {
        this.#skipped += 1;
        return;
      }
    }
    try {
      const result = runTask(task, stats, late);
      if (isThenable(result)) {
        this.#follow(task, result, stats);
      }
    } catch (error) {
      this.#fail(error, stats);
    }
  }

  /** Installs a recurring task at its next point, in the context it was installed in. */
  #installAgain(task: Task, stats: NameStats): void {
    const time = this.getTime();
    const { taskTime } = task;
    // A wall clock that is slowed down may be a hair before the point that the task runs for now: that is not to come again.
    const isEarly = taskTime !== null && taskTime > time && taskTime - time <= CLOCK_TOLERANCE;
    const next = task.nextTime(isEarly ? taskTime : time) as number;
    const isFirst = this.#schedule.installAt(task, next, task.installation?.context);
    stats.onSchedule();
    this.#loop.watchClock();
    if (isFirst) {
      this.#loop.reschedule();
    }
  }

  /** Waits for the end of a run that returned a promise. */
  #follow(task: Task, result: PromiseLike<unknown>, stats: NameStats): void {
    task.pending();
    result.then(
      () => task.settled(),
      (error: unknown) => {
        task.settled();
        this.#fail(error, stats);
      },
    );
  }

  #sayAsleep(): void {
    this.#sleep = (this.#sleep + 2) | ASLEEP_BIT;
    Atomics.store(this.#state, OWNER_STATE, this.#sleep);
  }

  #sayAwake(): void {
    Atomics.store(this.#state, OWNER_STATE, 0);
  }

  /** Who takes what comes from other threads. */
  #recipient(): Recipient<HandlerName> {
    return {
      onName: (name) => this.#handlerName(name),
      onTask: (producer, id, name, payload) => this.#runNow(producer, id, name, payload),
      onTimedTask: (...task) => this.#onTimedTask(...task),
      onControl: (...control) => this.#onControl(...control),
      dueTime: (time, isVirtual) => this.#dueTime(time, isVirtual),
    };
  }

  #threads(): Threads | undefined {
    if (this.#isClosed) {
      throw new TaskManagerClosedError();
    }
    const [inbox, trigger] = [this.#inbox, this.#trigger];
    return inbox === undefined || trigger === undefined ? undefined : { inbox, trigger };
  }

  /** A time by which a thread went, on the clock by which this manager goes since a time machine came or went: as `useClock()`. */
  #dueTime(time: number, isVirtual: boolean): number {
    if (isVirtual === (this.#state[IS_VIRTUAL] !== 0)) {
      return time;
    }
    return isVirtual ? time - systemClock.offset() : time + systemClock.offset();
  }

  /** A task with a time or other options has come from another thread. */
  #onTimedTask(
    producer: Producer,
    id: number,
    name: HandlerName,
    payload: unknown,
    due: number,
    options: RemoteOptions | undefined,
  ): void {
    if (due === Number.NEGATIVE_INFINITY && options?.when === undefined && options?.interval === undefined) {
      if (options?.key !== undefined) {
        this.#byKey.get(options.key)?.takeOut();
      }
      this.#runNow(producer, id, name, payload);
      return;
    }
    const run = (): unknown => this.#runFor(producer, id, name, payload);
    const task = this.#add(name.name, run, () => producer.tasks.delete(id), options ?? {}, { due });
    producer.tasks.set(id, task);
  }

  /** Installs a named task, instead of one with the same key. `onTaken` is told when it leaves the manager for good. */
  #add(name: string, run: () => unknown, onTaken: () => void, options: RemoteOptions, at: From): NamedTask {
    const { key, when, interval, offset = 0, priority = 0 } = options;
    const task = new NamedTask(name, run, () => {
      onTaken();
      if (key !== undefined && this.#byKey.get(key) === task) {
        this.#byKey.delete(key);
      }
    });
    if (key !== undefined) {
      this.#byKey.get(key)?.takeOut();
      this.#byKey.set(key, task);
    }
    task.priority = priority;
    this.#schedule.adopt(task);
    if (interval !== undefined) {
      task.installTask({ interval, offset });
    } else if (when !== undefined) {
      this.installAt(task, when);
    } else if ('delta' in at) {
      this.installIn(task, at.delta);
    } else {
      this.#installed(task, this.#schedule.installDue(task, at.due, captureContext()));
    }
    return task;
  }

  /** Another thread wants something done with a task. */
  #onControl(producer: Producer, id: number, operation: number): number {
    const task = producer.tasks.get(id) as NamedTask | undefined;
    const running = producer.running.get(id);
    switch (operation) {
      case CONTROL_SUSPEND:
        task?.suspendTask();
        break;
      case CONTROL_RESUME:
        task?.resumeTask();
        break;
      default:
        task?.takeOut();
        running?.abort();
        if (task !== undefined && running === undefined) {
          this.#statsOf(task.name).cancelled += 1;
          producer.replyError(id, new TaskCancelledError(task.name));
        }
    }
    if (running !== undefined) {
      return RUNNING;
    }
    return task === undefined ? DONE : CANCELLED;
  }

  #onTrigger(): void {
    this.#wakeUps += 1;
    const rungAt = this.#times[RUNG_AT] as number;
    if (rungAt > 0) {
      // Of the first ring since the loop slept; the others only found it rung.
      record(this.#wakeUpLatency, systemClock.monotonic() - rungAt);
    }
    // In this order: see `task-protocol.ts`.
    this.#sayAwake();
    this.#trigger?.clear();
    this.#drain();
  }

  /** Takes over what other threads had scheduled when it began. */
  #drain(): void {
    const inbox = this.#inbox;
    if (inbox === undefined || this.#lockstep !== undefined) {
      return;
    }
    this.#take(inbox);
    if (inbox.takeAnswered()) {
      // Who blocks for one answer after the other has the next question ready when he has been let run: a turn of Node's event
      // loop for each would cost more than all the rest (measured on one core: 10 µs a call instead of 4). Not for long:
      // others wait, too.
      const end = systemClock.monotonic() + CONVERSATION;
      let goesOn = true;
      while (goesOn && systemClock.monotonic() < end) {
        fast.yieldThread();
        this.#take(inbox);
        goesOn = inbox.takeAnswered();
      }
    }
  }

  #take(inbox: Inbox): void {
    inbox.drain(Atomics.exchange(this.#state, POSTED, 0) !== 0);
  }

  /** Runs a named task for a producer, and answers if somebody waits. */
  #runFor(producer: Producer, id: number, name: HandlerName, payload: unknown): unknown {
    const context = new NamedTaskContext(name.name, this);
    try {
      const result = name.get()(payload, context);
      if (isThenable(result)) {
        return this.#settle(producer, id, name, context, result);
      }
      producer.reply(id, result);
    } catch (error) {
      this.#failFor(producer, id, name, context, error);
    }
    return undefined;
  }

  /** Answers when a task's promise is settled. */
  #settle(
    producer: Producer,
    id: number,
    name: HandlerName,
    context: NamedTaskContext,
    result: PromiseLike<unknown>,
  ): PromiseLike<unknown> {
    producer.running.set(id, context);
    return result.then(
      (value) => {
        producer.running.delete(id);
        return producer.reply(id, value);
      },
      (error: unknown) => {
        producer.running.delete(id);
        this.#failFor(producer, id, name, context, error);
      },
    );
  }

  #failFor(producer: Producer, id: number, name: HandlerName, context: NamedTaskContext, error: unknown): void {
    // Whoever waits for the result has the error, and who cancelled the task expects one; otherwise it is the manager's.
    if (producer.replyError(id, error) || context.isAborted) {
      this.#statsOf(name.name).onFail(error);
    } else {
      this.#fail(error, this.#statsOf(name.name));
    }
  }

  /** Runs a task that is due at once. */
  #runNow(producer: Producer, id: number, name: HandlerName, payload: unknown): void {
    const stats = (name.stats ??= this.#statsOf(name.name));
    stats.onSchedule();
    const start = stats.onStart(Number.NaN);
    try {
      this.#runFor(producer, id, name, payload);
    } finally {
      stats.onEnd(start);
    }
  }

  #handlerName(name: string): HandlerName {
    let handlerName = this.#handlers.get(name);
    if (handlerName === undefined) {
      handlerName = new HandlerName(name);
      this.#handlers.set(name, handlerName);
    }
    return handlerName;
  }

  #statsOf(name: string): NameStats {
    let stats = this.#names.get(name);
    if (stats === undefined) {
      stats = new NameStats(name);
      this.#names.set(name, stats);
    }
    return stats;
  }

  #statsOfTask(task: Task): NameStats {
    // One class follows itself, mostly. Those with names of their own are of one class, too.
    if (task.constructor !== this.#lastClass || task instanceof NamedTask) {
      this.#lastClass = task.constructor;
      this.#lastStats = this.#statsOf(nameOf(task));
    }
    return this.#lastStats as NameStats;
  }

  #fail(error: unknown, stats: NameStats): void {
    stats.onFail(error);
    try {
      this.#onError(error, stats.name);
    } catch (second) {
      // It is called in the middle of everything; nobody's task is to suffer from it.
      report(error, stats.name);
      console.error('error in onError', second);
    }
  }
}

function runTask(task: Task, stats: NameStats, late: number): unknown {
  const context = task.installation?.context;
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

function nameOf(task: Task): string {
  return task instanceof NamedTask ? task.name : task.constructor.name;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function validateTask(task: unknown): void {
  if (!(task instanceof Task)) {
    throw new InvalidArgTypeError('task', 'a Task', task);
  }
}

function report(error: unknown, name: string): void {
  console.error(`error in the task ${JSON.stringify(name)}`, error);
}
