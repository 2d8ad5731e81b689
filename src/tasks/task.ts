/**
 * Tasks of a thread's own: objects and functions that its task manager runs at their time.
 *
 * The names, the rules and the messages are those of BACpypes' `task` module; every time is in milliseconds.
 */

import type { Clock } from '../platform/clock';
import { core } from '../run-loop/core';
import { InvalidTaskError } from '../util/errors';
import type { Installation } from './installation';
import {
  validateFinite,
  validateFunction,
  validateMilliseconds,
  validateOptions,
  validateTime,
} from '../util/validate';

/** When a task is due. */
export interface InstallOptions {
  /** On the wall clock: milliseconds since the epoch, or a Date. It follows when the clock is set. Wins over `delta`. */
  when?: number | Date;
  /** From now, fractions allowed. Steps of the wall clock change nothing. */
  delta?: number;
}

/** How often a recurring task is due. */
export interface RecurringOptions {
  /** Milliseconds from one run to the next. */
  interval?: number;
  /** How far the grid is shifted from the epoch; any sign. */
  offset?: number;
}

/** What is in place of a slot outside of the queue: the task's time is on the wall clock, or on that of its installation. */
const ON_WALL = -1;
const ON_CLOCK = -2;

/** The high halves of doubles that are no numbers: there is no time, or the queue has it. */
const NEVER = 0x7ff8_0000;
export const IN_QUEUE = 0x7ff8_0001;

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

  // What is not public has names that begin as BACpypes' own: a subclass may well have a `slot` for itself.

  /** Its number in its manager's queue, while it is there; outside, which clock its time is on. @internal */
  taskSlot: number = ON_WALL;
  /** Its time, in two halves: see `setTime()` below. @internal */
  taskTimeHigh: number = NEVER;
  /** @internal */
  taskTimeLow: number = 0;
  /** How it is installed, or was last. @internal */
  taskInstallation: Installation | undefined = undefined;

  /** When it is due, or was: milliseconds since the epoch. `null` when it was never installed. */
  get taskTime(): number | null {
    if (this.taskTimeHigh === IN_QUEUE || this.taskSlot === ON_CLOCK) {
      // Where the wall clock is, is asked when somebody wants to know: that takes longer than the rest of an install.
      const { clock, manager } = this.taskInstallation as Installation;
      const time = this.taskTimeHigh === IN_QUEUE ? manager.dueOf(this) : timeOf(this);
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
    return this.taskSlot >= 0;
  }

  /**
   * Installs the task, or moves it when it is installed: `when` on the wall clock, or `delta` from now, or else at its
   * `taskTime`. Throws `ERR_INVALID_TASK` when there is none of them.
   */
  installTask(options?: InstallOptions): void {
    validateOptions(options);
    const when = options?.when;
    const delta = options?.delta;
    const manager = this.taskInstallation?.manager ?? core.taskManager;
    if (when !== undefined) {
      manager.installAt(this, validateTime('options.when', when));
    } else if (delta !== undefined) {
      manager.installIn(this, validateMilliseconds('options.delta', delta));
    } else if (this.taskTime !== null) {
      manager.installAt(this, this.taskTime);
    } else {
      throw new InvalidTaskError("schedule missing, use zero for 'now'");
    }
  }

  /** Takes the task out of its manager; nothing happens when it is not installed. A task may suspend itself while it runs. */
  suspendTask(): void {
    this.taskInstallation?.manager.suspendTask(this);
  }

  /** Installs the task again: at its `taskTime`, or a recurring one at its next time. */
  resumeTask(): void {
    (this.taskInstallation?.manager ?? core.taskManager).resumeTask(this);
  }

  /** What the task does. A promise that it returns is awaited for its error, not for the next task. */
  processTask(): unknown {
    throw new InvalidTaskError('processTask must be overridden');
  }

  /** Throws for options that `installTask()` would refuse. @internal */
  taskCheck(options: InstallOptions | undefined): void {
    validateOptions(options);
    if (options?.when !== undefined) {
      validateTime('options.when', options.when);
    } else if (options?.delta !== undefined) {
      validateMilliseconds('options.delta', options.delta);
    }
  }

  /** It was taken out of the queue, where it was due at `due`. @internal */
  taskTakenOut(due: number): void {
    if (this.taskTimeHigh === IN_QUEUE) {
      setTime(this, due);
      this.taskSlot = ON_CLOCK;
    } else {
      this.taskSlot = ON_WALL;
    }
  }

  /** The time on the clock of its installation; NaN when there is none. @internal */
  taskTimeOn(clock: Clock): number {
    return this.taskSlot === ON_CLOCK && this.taskInstallation?.clock === clock
      ? timeOf(this)
      : (this.taskTime ?? Number.NaN) - clock.offset();
  }

  /** Whether it is due again after a run. @internal */
  get taskIsRecurring(): boolean {
    return false;
  }

  /** When the task is due after a run, if it is. @internal */
  taskNextTime(_now: number): number | undefined {
    return undefined;
  }

  /** Whether a run that is due has to be left out because the last one is not over. @internal */
  taskSkips(): boolean {
    return false;
  }

  /** Told when a run that returned a promise is over. @internal */
  taskSettled(): void {}

  /** Told when a run returned a promise. @internal */
  taskPending(): void {}
}

function timeOf(task: Task): number {
  halves[HIGH] = task.taskTimeHigh;
  halves[1 - HIGH] = task.taskTimeLow;
  return double[0] as number;
}

/** A field for a double would be an object of its own, of 16 bytes; integers are in the task itself. */
function setTime(task: Task, time: number): void {
  double[0] = time;
  task.taskTimeHigh = halves[HIGH] as number;
  task.taskTimeLow = halves[1 - HIGH] as number;
}

function setWallTime(task: Task, time: number): void {
  if (Number.isNaN(time)) {
    task.taskTimeHigh = NEVER;
  } else {
    setTime(task, time);
  }
  if (task.taskSlot < 0) {
    task.taskSlot = ON_WALL;
  }
}

// Most have this one, and need no field for it.
Task.prototype.priority = 0;

/** Not where the task is made: it would make a scope for this for each, also for most, which have no arguments. */
function bind<A extends unknown[]>(fn: (...args: A) => unknown, args: A): () => unknown {
  return () => fn(...args);
}

/** A task that runs once. Installed by `installTask()`, at the time it was made with unless that gives another one. */
export class OneShotTask extends Task {
  constructor(when?: number | Date) {
    super();
    if (when !== undefined) {
      this.taskTime = validateTime('when', when);
    }
  }
}

/** BACpypes deletes its own reference to such a task after the run; JavaScript does without. */
export class OneShotDeleteTask extends OneShotTask {}

/** A function that runs once, when it is installed. */
export class FunctionTask<A extends unknown[] = unknown[]> extends OneShotTask {
  readonly #call: () => unknown;

  constructor(fn: (...args: A) => unknown, ...args: A) {
    super();
    validateFunction('fn', fn);
    this.#call = args.length === 0 ? fn : bind(fn, args);
  }

  override processTask(): unknown {
    const call = this.#call;
    return call();
  }
}

/** A function that runs once, as soon as possible: it installs itself. */
export class OneShotFunction<A extends unknown[] = unknown[]> extends FunctionTask<A> {
  constructor(fn: (...args: A) => unknown, ...args: A) {
    super(fn, ...args);
    this.installTask({ delta: 0 });
  }
}

/**
 * A task that runs again and again, on the grid of the epoch plus an offset: with an interval of 60 000 at every full minute. It never
 * drifts. Points that were missed are skipped, and so is, unless `overlap` is set, a point at which the promise of the
 * last run is still pending. A run that throws is reported, and the task goes on.
 */
export class RecurringTask extends Task {
  /** Milliseconds from one run to the next. */
  taskInterval: number | undefined;
  /** How far the grid is shifted from the epoch. */
  taskIntervalOffset: number;
  /** Whether it may run again while the promise of its last run is pending. */
  overlap: boolean = false;

  #pending = 0;

  constructor(interval?: number, offset?: number) {
    super();
    this.taskInterval = interval === undefined ? undefined : validateMilliseconds('interval', interval);
    this.taskIntervalOffset = offset === undefined ? 0 : validateFinite('offset', offset);
  }

  /** Installs the task at the next point of its grid, which may be given here. */
  override installTask(options?: InstallOptions & RecurringOptions): void {
    this.taskCheck(options);
    this.taskInterval = options?.interval ?? this.taskInterval;
    this.taskIntervalOffset = options?.offset ?? this.taskIntervalOffset;
    (this.taskInstallation?.manager ?? core.taskManager).installNext(this);
  }

  /** @internal */
  override taskCheck(options: (InstallOptions & RecurringOptions) | undefined): void {
    validateOptions(options);
    const interval = options?.interval === undefined ? this.taskInterval : options.interval;
    if (interval === undefined) {
      throw new InvalidTaskError('interval unset, use the constructor or the installTask parameter');
    }
    if (validateMilliseconds('options.interval', interval) <= 0 || interval === Infinity) {
      throw new InvalidTaskError('interval must be greater than zero');
    }
    if (options?.offset !== undefined) {
      validateFinite('options.offset', options.offset);
    }
  }

  /** @internal */
  override get taskIsRecurring(): boolean {
    return this.taskInterval !== undefined;
  }

  /** @internal */
  override taskNextTime(now: number): number | undefined {
    const interval = this.taskInterval;
    const next = interval === undefined ? undefined : nextGridPoint(now, interval, this.taskIntervalOffset);
    // The fields are everybody's: what was written there since it was installed may make no sense.
    return Number.isFinite(next) && (interval as number) > 0 ? next : undefined;
  }

  /** @internal */
  override taskSkips(): boolean {
    return !this.overlap && this.#pending > 0;
  }

  /** @internal */
  override taskPending(): void {
    this.#pending += 1;
  }

  /** @internal */
  override taskSettled(): void {
    this.#pending -= 1;
  }
}

/** A function that runs again and again, once it is installed. */
export class RecurringFunctionTask<A extends unknown[] = unknown[]> extends RecurringTask {
  readonly #call: () => unknown;

  constructor(interval: number, fn: (...args: A) => unknown, ...args: A) {
    super(interval);
    validateFunction('fn', fn);
    this.#call = args.length === 0 ? fn : bind(fn, args);
  }

  override processTask(): unknown {
    const call = this.#call;
    return call();
  }
}

/** A function that is a recurring task besides: it can be called, and its `task` suspended. */
export type RecurringFunction<A extends unknown[]> = ((...args: A) => unknown) & { readonly task: RecurringTask };

/**
 * Installs a function as a recurring task: BACpypes' decorator.
 *
 * @example
 * const tick = recurringFunction(1000)(() => console.log('tick'));
 * tick.task.suspendTask();
 */
export function recurringFunction(
  interval: number,
  offset?: number,
): <A extends unknown[]>(fn: (...args: A) => unknown) => RecurringFunction<A> {
  return <A extends unknown[]>(fn: (...args: A) => unknown): RecurringFunction<A> => {
    validateFunction('fn', fn);
    const task = new RecurringFunctionTask(interval, () => Reflect.apply(fn, undefined, []));
    task.installTask(offset === undefined ? {} : { offset });
    return Object.assign((...args: A) => fn(...args), { task });
  };
}

/** The first point after `now` of the grid that the epoch, an interval and an offset make. */
export function nextGridPoint(now: number, interval: number, offset: number): number {
  // The same point again when a clock that counts in fractions is a hair before it.
  // By the part of the offset that matters: a large one would cost the precision of a double.
  const shift = offset === 0 ? 0 : offset % interval;
  const after = now + 1e-3 - shift;
  const rest = after % interval;
  // A hair before a point may be an interval when it is added to one.
  const passed = rest < 0 ? (rest + interval) % interval : rest;
  return after - passed + interval + shift;
}
