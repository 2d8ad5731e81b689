/** Tasks whose times come from a function. */

import { types } from 'node:util';

import { InvalidTaskError, validateFunction, validateInstallNames } from '../util';
import { bind } from './bind';
import { RecurringTask } from './recurring-task';
import { type InstallOptions, checkOptions, installation, isRecurring, nextTime } from './task';
import { ownerOf } from './task-owner';

/**
 * A recurring task whose times come from a function, on the wall clock: those of a cron string in a time zone, of a
 * calendar, of sunrise. A library computes them, and knows summer time.
 *
 * The function gets the time after which it is asked for the next one, and returns that: a Date, or milliseconds since
 * the epoch, which are rounded up to whole ones. It is called when the task is installed, before each run, and when the
 * wall clock was set. With `null` or `undefined` the task ends. What it throws is thrown by `installTask()`, or else
 * goes to the manager's `onError`, and the task ends after that run.
 *
 * Times that were missed are skipped. Unless `overlap` is set, a time is also skipped when the promise of the last run
 * is still pending. `taskInterval` and `taskIntervalOffset` have no effect.
 *
 * @example
 * const { Cron } = require('croner');
 * const cron = new Cron('0 3 * * *', { timezone: 'Europe/Berlin' });
 * new NextTimeTask((after) => cron.nextRun(after), () => console.log('three at night')).installTask();
 */
export class NextTimeTask<A extends unknown[] = unknown[]> extends RecurringTask {
  readonly #next: (after: Date) => Date | number | null | undefined;
  readonly #call: (() => unknown) | undefined;

  /**
   * Makes a task; it is not installed yet. Throws `ERR_INVALID_ARG_TYPE` for what is no function.
   *
   * @param next Returns the first time after its argument, or `null` when there is none.
   * @param fn What each run calls. Default: a subclass overrides `processTask()`.
   */
  constructor(next: (after: Date) => Date | number | null | undefined, fn?: (...args: A) => unknown, ...args: A) {
    super();
    validateFunction('next', next);
    if (fn !== undefined) {
      validateFunction('fn', fn);
    }
    this.#next = next;
    this.#call = fn === undefined || args.length === 0 ? fn : bind(fn, args);
  }

  /**
   * Installs the task at its next time; removes it when there is none. The options have no effect.
   *
   * Throws `ERR_INVALID_TASK` when the function returns what is no later time, and what the function throws.
   */
  override installTask(options?: InstallOptions): void {
    validateInstallNames(options);
    ownerOf(this[installation]).installNext(this);
  }

  /** Calls the function, and returns its result. */
  override processTask(): unknown {
    const call = this.#call;
    return call === undefined ? super.processTask() : call();
  }

  /** Accepts the options that `installTask()` ignores. @internal */
  override [checkOptions](options: InstallOptions | undefined): void {
    validateInstallNames(options);
  }

  /** Returns true. @internal */
  override get [isRecurring](): boolean {
    return true;
  }

  /** Returns the next time after `now`; `Infinity` when there is none. @internal */
  override [nextTime](now: number): number {
    // A Date has whole milliseconds. Rounded down, it hides no time; times are rounded up, so none comes twice.
    const after = Math.floor(now);
    const next = this.#next(new Date(after)) ?? Infinity;
    const time = Math.ceil(types.isDate(next) ? next.getTime() : next);
    if (!(time > after)) {
      throw new InvalidTaskError('the function of a NextTimeTask must return a time after its argument, or null');
    }
    return time;
  }
}
