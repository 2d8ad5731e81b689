/** Tasks that run again and again, on a grid of the wall clock. */

import { InvalidTaskError } from '../util/errors';
import { validateFinite, validateFunction, validateMilliseconds, validateOptions } from '../util/validate';
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
  /** Milliseconds from one run to the next. */
  interval?: number;
  /** How far the grid is shifted from the epoch; any sign. */
  offset?: number;
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
    this[checkOptions](options);
    this.taskInterval = options?.interval ?? this.taskInterval;
    this.taskIntervalOffset = options?.offset ?? this.taskIntervalOffset;
    ownerOf(this[installation]).installNext(this);
  }

  /** @internal */
  override [checkOptions](options: (InstallOptions & RecurringOptions) | undefined): void {
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
  override get [isRecurring](): boolean {
    return this.taskInterval !== undefined;
  }

  /** @internal */
  override [nextTime](now: number): number | undefined {
    const interval = this.taskInterval;
    const next = interval === undefined ? undefined : nextGridPoint(now, interval, this.taskIntervalOffset);
    // The fields are everybody's: what was written there since it was installed may make no sense.
    return Number.isFinite(next) && (interval as number) > 0 ? next : undefined;
  }

  /** @internal */
  override [skipsRun](): boolean {
    return !this.overlap && this.#pending > 0;
  }

  /** @internal */
  override [onPending](): void {
    this.#pending += 1;
  }

  /** @internal */
  override [onSettled](): void {
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
