/**
 * The base of a thread's own tasks: objects that their task manager runs at their time.
 *
 * Names, rules and messages are those of BACpypes' `task` module; every time is in milliseconds.
 */

import { type InspectOptions, inspect } from 'node:util';

import type { Clock } from '../platform/clock';
import { onDequeued, tableIndex } from '../task-queue';
import { InvalidTaskError } from '../util/errors';
import { inspectAs } from '../util/inspect';
import { validateMilliseconds, validateOptions, validateTime } from '../util/validate';
import type { Installation } from './installation';
import { ownerOf } from './task-owner';

/** When a task is due. */
export interface InstallOptions {
  /** On the wall clock: milliseconds since the epoch, or a Date. It follows when the clock is set. Wins over `delta`. */
  when?: number | Date;
  /** From now, fractions allowed. Steps of the wall clock change nothing. */
  delta?: number;
}

/** What a task has in the place of an index outside of the queue: its time is on the wall clock, or on its installation's clock. */
const ON_WALL = -1;
const ON_CLOCK = -2;

/** The high halves of doubles that are no numbers: there is no time, or the queue has it. */
const NEVER = 0x7ff8_0000;
export const IN_QUEUE = 0x7ff8_0001;

/** Keys of what only this package may use: a subclass may use any name. */
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

/** A double, and its halves. */
const double = new Float64Array([1]);
const halves = new Int32Array(double.buffer);
const HIGH = halves[1] === 0 ? 0 : 1;

/**
 * A task: a subclass has a `processTask()`. It may be installed in one manager at a time, `core.taskManager` unless another
 * one's `installTask()` is used.
 */
export abstract class Task {
  /**
   * Of tasks that are due at the same time, the one with the lower number runs first; equals run in the order they were installed. It
   * counts as it is when the task is installed.
   */
  declare priority: number;

  /** Its index in its manager's queue, while it is there; outside, which clock its time is on. @internal */
  declare [tableIndex]: number;
  /** Its time, in two halves: see `setTime()` below. @internal */
  declare [timeHigh]: number;
  /** @internal */
  declare [timeLow]: number;
  /** How it is installed, or was last. @internal */
  declare [installation]: Installation | undefined;

  constructor() {
    // Assigned, because a class field with a computed name is defined by a call into the engine, at three times the cost
    // of a task. The index comes last: the prefetch of the queue reads it, and with it the end of the object.
    this[timeHigh] = NEVER;
    this[timeLow] = 0;
    this[installation] = undefined;
    this[tableIndex] = ON_WALL;
  }

  /** When it is due, or was: milliseconds since the epoch. `null` when it was never installed. */
  get taskTime(): number | null {
    if (this[timeHigh] === IN_QUEUE || this[tableIndex] === ON_CLOCK) {
      // Where the wall clock is, is asked when somebody wants to know: that takes longer than the rest of an install.
      const { clock, owner } = this[installation] as Installation;
      const time = this[timeHigh] === IN_QUEUE ? owner.dueOf(this) : timeOf(this);
      setWallTime(this, time + clock.offset());
    }
    const time = timeOf(this);
    return Number.isNaN(time) ? null : time;
  }

  set taskTime(time: number | null) {
    setWallTime(this, time === null ? Number.NaN : validateMilliseconds('taskTime', time));
  }

  /** Whether it waits for its time. */
  get isScheduled(): boolean {
    return this[tableIndex] >= 0;
  }

  /**
   * Installs the task, or moves it when it is installed: `when` on the wall clock, or `delta` from now, or else at its
   * `taskTime`. Throws `ERR_INVALID_TASK` when there is none of them.
   */
  installTask(options?: InstallOptions): void {
    validateOptions(options);
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
      throw new InvalidTaskError("schedule missing, use zero for 'now'");
    }
  }

  /** Takes the task out of its manager; nothing happens when it is not installed. A task may suspend itself while it runs. */
  suspendTask(): void {
    this[installation]?.owner.suspendTask(this);
  }

  /** Installs the task again: at its `taskTime`, or a recurring one at its next time. */
  resumeTask(): void {
    ownerOf(this[installation]).resumeTask(this);
  }

  /** What the task does. A promise that it returns is awaited for its error, not for the next task. */
  processTask(): unknown {
    throw new InvalidTaskError('processTask must be overridden');
  }

  /** Throws for options that `installTask()` would refuse. @internal */
  [checkOptions](options: InstallOptions | undefined): void {
    validateOptions(options);
    if (options?.when !== undefined) {
      validateTime('options.when', options.when);
    } else if (options?.delta !== undefined) {
      validateMilliseconds('options.delta', options.delta);
    }
  }

  /** It was taken out of the queue, where it was due at `due`. @internal */
  [onDequeued](due: number): void {
    if (this[timeHigh] === IN_QUEUE) {
      setTime(this, due);
      this[tableIndex] = ON_CLOCK;
    } else {
      this[tableIndex] = ON_WALL;
    }
  }

  /** The time on the clock of its installation; NaN when there is none. @internal */
  [timeOn](clock: Clock): number {
    return this[tableIndex] === ON_CLOCK && this[installation]?.clock === clock
      ? timeOf(this)
      : (this.taskTime ?? Number.NaN) - clock.offset();
  }

  /** Whether it is due again after a run. @internal */
  get [isRecurring](): boolean {
    return false;
  }

  /** When the task is due after a run, if it is. @internal */
  [nextTime](_now: number): number | undefined {
    return undefined;
  }

  /** Whether a run that is due has to be left out because the last one is not over. @internal */
  [skipsRun](): boolean {
    return false;
  }

  /** Told when a run that returned a promise is over. @internal */
  [onSettled](): void {}

  /** Told when a run returned a promise. @internal */
  [onPending](): void {}

  /** Shows the state in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({
      scheduled: this.isScheduled,
      taskTime: this.taskTime,
      ...(this.priority === 0 ? {} : { priority: this.priority }),
    }));
  }
}

function timeOf(task: Task): number {
  halves[HIGH] = task[timeHigh];
  halves[1 - HIGH] = task[timeLow];
  return double[0] as number;
}

/** A field for a double would be an object of its own, of 16 bytes; integers are in the task itself. */
function setTime(task: Task, time: number): void {
  double[0] = time;
  task[timeHigh] = halves[HIGH] as number;
  task[timeLow] = halves[1 - HIGH] as number;
}

function setWallTime(task: Task, time: number): void {
  if (Number.isNaN(time)) {
    task[timeHigh] = NEVER;
  } else {
    setTime(task, time);
  }
  if (task[tableIndex] < 0) {
    task[tableIndex] = ON_WALL;
  }
}

// Most have this one, and need no field for it.
Task.prototype.priority = 0;
