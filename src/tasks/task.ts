/**
 * The base class of tasks: objects that a task manager runs at their time.
 *
 * Names, rules and messages are those of BACpypes' module `task`. All times are in milliseconds.
 */

import { type InspectOptions, inspect } from 'node:util';

import { onDequeued, tableIndex } from '../task-queue';
import type { Clock } from '../platform';
import { InvalidTaskError, inspectAs, validateMilliseconds, validateInstallNames, validateTime } from '../util';
import type { Installation } from './installation';
import { ownerOf } from './task-owner';

/** When a task is due. */
export interface InstallOptions {
  /**
   * The time on the wall clock: milliseconds since the epoch, or a Date. The task follows when that clock is set. Takes
   * precedence over `delta`.
   */
  when?: number | Date | undefined;
  /** Milliseconds from now, fractions allowed. Steps of the wall clock do not change it. */
  delta?: number | undefined;
}

/**
 * Values in the place of the queue index, for a task outside of the queue. Its time is on the wall clock, or on its
 * installation's clock.
 */
const ON_WALL = -1;
const ON_CLOCK = -2;

/** High halves of doubles that are not numbers: the task has no time, or the queue has it. */
const NEVER = 0x7ff8_0000;
export const IN_QUEUE = 0x7ff8_0001;

/** Keys of the members that only this package may use. They are symbols because a subclass may use any name. */
export const timeHigh: unique symbol = Symbol('timeHigh');
const timeLow: unique symbol = Symbol('timeLow');
export const installation: unique symbol = Symbol('installation');
export const checkOptions: unique symbol = Symbol('checkOptions');
export const timeOn: unique symbol = Symbol('timeOn');
export const isRecurring: unique symbol = Symbol('isRecurring');
export const nextTime: unique symbol = Symbol('nextTime');
export const skipsRun: unique symbol = Symbol('skipsRun');
export const onPending: unique symbol = Symbol('onPending');
export const onSettled: unique symbol = Symbol('onSettled');
export const queuedTime: unique symbol = Symbol('queuedTime');

/**
 * The recurring task whose body is running, and the point that it runs for. The task is installed for its next point
 * already.
 */
let running: Task | undefined;
let runningPoint = 0;

/** Calls `run()`, during which the `taskTime` of a recurring task is the point that it runs for. */
export function runForPoint<R>(task: Task, point: number, run: () => R): R {
  const [outerTask, outerPoint] = [running, runningPoint];
  [running, runningPoint] = [task, point];
  try {
    return run();
  } finally {
    [running, runningPoint] = [outerTask, outerPoint];
  }
}

/** A double, and its two halves. */
const double = new Float64Array([1]);
const halves = new Int32Array(double.buffer);
const HIGH = halves[1] === 0 ? 0 : 1;

/**
 * Does its work in `processTask()`, at a time, in a task manager. Follows BACpypes' `_Task`.
 *
 * A task is in one manager at a time. That is `core.taskManager`, unless another manager's `installTask()` was called.
 * A task belongs to one thread.
 *
 * @example
 * class Greeting extends Task {
 *   processTask() { console.log('hello') }
 * }
 * new Greeting().installTask({ delta: 500 });
 */
export abstract class Task {
  /**
   * The order among tasks that are due at the same time: lower numbers run first, equal ones in the order in which they
   * were installed. It is read when the task is installed. Default: 0.
   */
  declare priority: number;

  /** The index in the manager's queue. For a task outside of the queue: which clock its time is on. @internal */
  declare [tableIndex]: number;
  /** The time, in two halves: see `setTime()`. @internal */
  declare [timeHigh]: number;
  /** The low half of the time. @internal */
  declare [timeLow]: number;
  /** How the task is installed, or was last. @internal */
  declare [installation]: Installation | undefined;

  constructor() {
    // Assigned, because a class field with a computed name is defined by a call into the engine, which triples the cost
    // of a task. The index comes last: the prefetch of the queue reads it, and with it the end of the object.
    this[timeHigh] = NEVER;
    this[timeLow] = 0;
    this[installation] = undefined;
    this[tableIndex] = ON_WALL;
  }

  /**
   * The time at which the task is due, or was: milliseconds since the epoch. `null` when it was never installed.
   * `installTask()` without options uses it. While the body of a recurring task runs, until its first `await`, it is
   * the point that the task runs for. Setting it throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for a value
   * that is no time.
   */
  get taskTime(): number | null {
    return this === running ? runningPoint : this[queuedTime];
  }

  set taskTime(time: number | null) {
    setWallTime(this, time === null ? Number.NaN : validateMilliseconds('taskTime', time));
    if (this === running) {
      running = undefined;
    }
  }

  /** The time at which the task is due in its queue, or was. @internal */
  get [queuedTime](): number | null {
    if (this[timeHigh] === IN_QUEUE || this[tableIndex] === ON_CLOCK) {
      // The wall clock is read only for a caller that needs the time: the reading takes longer than the rest of an
      // install.
      const { clock, owner } = this[installation] as Installation;
      const time = this[timeHigh] === IN_QUEUE ? owner.dueOf(this) : timeOf(this);
      setWallTime(this, time + clock.offset());
    }
    const time = timeOf(this);
    return Number.isNaN(time) ? null : time;
  }

  /** Returns whether the task is installed and waits for its time. */
  get isScheduled(): boolean {
    return this[tableIndex] >= 0;
  }

  /**
   * Installs the task, or moves it when it is installed. It is due at `when` on the wall clock, or `delta` from now, or
   * else at its `taskTime`.
   *
   * Throws `ERR_INVALID_TASK` when there is none of the three, and `ERR_TASK_MANAGER_CLOSED` when the manager is
   * closed. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid options.
   */
  installTask(options?: InstallOptions): void {
    validateInstallNames(options);
    const when = options?.when;
    const delta = options?.delta;
    const owner = ownerOf(this[installation]);
    if (when !== undefined) {
      owner.installAt(this, validateTime('options.when', when));
    } else if (delta !== undefined) {
      owner.installIn(this, validateMilliseconds('options.delta', delta));
    } else if (this.taskTime !== null) {
      owner.installAt(this, this.taskTime);
    } else {
      throw new InvalidTaskError("schedule missing, use zero for 'now': installTask({ delta: 0 })");
    }
  }

  /**
   * Removes the task from its manager; does nothing when it is not installed. A task may suspend itself while it runs.
   */
  suspendTask(): void {
    this[installation]?.owner.suspendTask(this);
  }

  /**
   * Installs the task again: at its `taskTime`, or a recurring one at its next time. Throws `ERR_INVALID_TASK` when it
   * was never installed.
   */
  resumeTask(): void {
    ownerOf(this[installation]).resumeTask(this);
  }

  /**
   * Does the work; a subclass overrides it. If it returns a promise, an error of that promise is reported, and the next
   * task does not wait for it. By default it throws `ERR_INVALID_TASK`.
   */
  processTask(): unknown {
    throw new InvalidTaskError('processTask must be overridden');
  }

  /** Throws for options that `installTask()` would refuse. @internal */
  [checkOptions](options: InstallOptions | undefined): void {
    validateInstallNames(options);
    if (options?.when !== undefined) {
      validateTime('options.when', options.when);
    } else if (options?.delta !== undefined) {
      validateMilliseconds('options.delta', options.delta);
    }
  }

  /** Notes that the task was removed from the queue, in which it was due at `due`. @internal */
  [onDequeued](due: number): void {
    if (this[timeHigh] === IN_QUEUE) {
      setTime(this, due);
      this[tableIndex] = ON_CLOCK;
    } else {
      this[tableIndex] = ON_WALL;
    }
  }

  /** Returns the time on `clock`; NaN when there is none. @internal */
  [timeOn](clock: Clock): number {
    return this[tableIndex] === ON_CLOCK && this[installation]?.clock === clock
      ? timeOf(this)
      : (this[queuedTime] ?? Number.NaN) - clock.offset();
  }

  /** Returns whether the task is due again after a run. @internal */
  get [isRecurring](): boolean {
    return false;
  }

  /**
   * Returns when the task is due after `now`; `Infinity` when it is not due again, and `undefined` when its fields do
   * not say. @internal
   */
  [nextTime](_now: number): number | undefined {
    return undefined;
  }

  /** Returns whether a due run must be skipped because the last one is not over. @internal */
  [skipsRun](): boolean {
    return false;
  }

  /** Called when the promise of a run was settled. @internal */
  [onSettled](): void {}

  /** Called when a run has returned a promise. @internal */
  [onPending](): void {}

  /** Shows the state in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({
      scheduled: this.isScheduled,
      taskTime: this.taskTime,
    }));
  }
}

/** Returns the time in the task's two fields. */
function timeOf(task: Task): number {
  halves[HIGH] = task[timeHigh];
  halves[1 - HIGH] = task[timeLow];
  return double[0] as number;
}

/**
 * Stores a time in two fields. A field with a double would be an object of its own, of 16 bytes; integers are stored in
 * the task.
 */
function setTime(task: Task, time: number): void {
  double[0] = time;
  task[timeHigh] = halves[HIGH] as number;
  task[timeLow] = halves[1 - HIGH] as number;
}

/** Stores a time on the wall clock; NaN means none. */
export function setWallTime(task: Task, time: number): void {
  if (Number.isNaN(time)) {
    task[timeHigh] = NEVER;
  } else {
    setTime(task, time);
  }
  if (task[tableIndex] < 0) {
    task[tableIndex] = ON_WALL;
  }
}

// Most tasks have this priority, and need no field for it.
Task.prototype.priority = 0;
