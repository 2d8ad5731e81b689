/** Tasks that run repeatedly, on a grid of the wall clock. */

import {
  InvalidTaskError,
  validateFinite,
  validateFunction,
  validateInstallNames,
  validateMilliseconds,
} from '../util';
import { bind } from './bind';
import {
  type InstallOptions,
  Task,
  checkOptions,
  installation,
  isRecurring,
  nextTime,
  onPending,
  onSettled,
  skipsRun,
} from './task';
import { ownerOf } from './task-owner';

/** How often a recurring task is due. */
export interface RecurringOptions {
  /** Milliseconds from one run to the next, above zero. Default: the task's `taskInterval`. */
  interval?: number | undefined;
  /**
   * Milliseconds by which the grid is shifted from the epoch, of any sign. Default: the task's `taskIntervalOffset`.
   */
  offset?: number | undefined;
}

/**
 * A task that runs repeatedly, at the points of a grid on the wall clock: the epoch plus an offset plus multiples of
 * the interval. With an interval of 60 000 it runs at every full minute. It never drifts. Follows BACpypes'
 * `RecurringTask`.
 *
 * Missed points are skipped. Unless `overlap` is set, a point is also skipped when the promise of the last run is still
 * pending. An error of a run is reported, and the task goes on.
 *
 * @example
 * class Minutes extends RecurringTask {
 *   processTask() { console.log(new Date()) }
 * }
 * new Minutes(60_000).installTask();
 */
export class RecurringTask extends Task {
  /** Milliseconds from one run to the next; `undefined` when it was not given yet. */
  taskInterval: number | undefined;
  /** Milliseconds by which the grid is shifted from the epoch. Default: 0. */
  taskIntervalOffset: number;
  /** Whether a run may begin while the promise of the last one is pending. Default: false. */
  overlap: boolean = false;

  #pending = 0;

  /**
   * Makes a task; it is not installed yet. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid
   * arguments.
   * @param interval Milliseconds from one run to the next. Default: `installTask()` gives it.
   * @param offset Milliseconds by which the grid is shifted from the epoch, of any sign. Default: 0.
   */
  constructor(interval?: number, offset?: number) {
    super();
    this.taskInterval = interval === undefined ? undefined : validateMilliseconds('interval', interval);
    this.taskIntervalOffset = offset === undefined ? 0 : validateFinite('offset', offset);
  }

  /**
   * Installs the task at the next point of its grid. The options may set a new interval and offset; `when` and `delta`
   * have no effect.
   *
   * Throws `ERR_INVALID_TASK` when there is no interval, or when it is zero or infinite. Throws `ERR_INVALID_ARG_TYPE`
   * or `ERR_INVALID_ARG_VALUE` for invalid options.
   */
  override installTask(options?: InstallOptions & RecurringOptions): void {
    this[checkOptions](options);
    this.taskInterval = options?.interval ?? this.taskInterval;
    this.taskIntervalOffset = options?.offset ?? this.taskIntervalOffset;
    ownerOf(this[installation]).installNext(this);
  }

  /** Throws for options that `installTask()` would refuse. @internal */
  override [checkOptions](options: (InstallOptions & RecurringOptions) | undefined): void {
    validateInstallNames(options);
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

  /** Returns whether the task has an interval. @internal */
  override get [isRecurring](): boolean {
    return this.taskInterval !== undefined;
  }

  /** Returns the next point of the grid after `now`; `undefined` when there is none. @internal */
  override [nextTime](now: number): number | undefined {
    const interval = this.taskInterval;
    const next = interval === undefined ? undefined : nextGridPoint(now, interval, this.taskIntervalOffset);
    // Programs may write to the fields, and may have written invalid values since the task was installed.
    return Number.isFinite(next) && (interval as number) > 0 ? next : undefined;
  }

  /** Returns whether the promise of the last run forbids another run now. @internal */
  override [skipsRun](): boolean {
    return !this.overlap && this.#pending > 0;
  }

  /** Counts a run whose promise is pending. @internal */
  override [onPending](): void {
    this.#pending += 1;
  }

  /** Counts a run whose promise was settled. @internal */
  override [onSettled](): void {
    this.#pending -= 1;
  }
}

/**
 * A task that calls a function repeatedly, once it is installed. Follows BACpypes' `RecurringFunctionTask`.
 *
 * @example
 * new RecurringFunctionTask(1000, () => console.log('tick')).installTask();
 */
export class RecurringFunctionTask<A extends unknown[] = unknown[]> extends RecurringTask {
  readonly #call: () => unknown;

  /**
   * Makes a task that calls `fn(...args)` every `interval` milliseconds; it is not installed yet. Throws
   * `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid arguments.
   */
  constructor(interval: number, fn: (...args: A) => unknown, ...args: A) {
    super(interval);
    validateFunction('fn', fn);
    this.#call = args.length === 0 ? fn : bind(fn, args);
  }

  /** Calls the function, and returns its result. */
  override processTask(): unknown {
    const call = this.#call;
    return call();
  }
}

/** A function with a recurring task: it can still be called, and its `task` can be suspended. */
export type RecurringFunction<A extends unknown[]> = ((...args: A) => unknown) & { readonly task: RecurringTask };

/**
 * Returns a decorator that installs a function as a recurring task: BACpypes' `recurring_function`. Throws as
 * `installTask()` does.
 *
 * @param interval Milliseconds from one run to the next, above zero.
 * @param offset Milliseconds by which the grid is shifted from the epoch. Default: 0.
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

/** Returns the first point after `now` of a grid: the epoch plus `offset` plus multiples of `interval`. */
function nextGridPoint(now: number, interval: number, offset: number): number {
  // A clock that counts in fractions may be a little before the point that runs now: 1e-3 keeps it from being returned
  // again. The offset is reduced, because a large one would cost the precision of a double.
  const shift = offset === 0 ? 0 : offset % interval;
  const after = now + 1e-3 - shift;
  const rest = after % interval;
  // A remainder a little below zero may become the whole interval when the interval is added, so another `%` follows.
  const passed = rest < 0 ? (rest + interval) % interval : rest;
  return after - passed + interval + shift;
}
