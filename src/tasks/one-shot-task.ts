/** Tasks that run once. */

import { validateFunction, validateTime } from '../util';
import { bind } from './bind';
import { Task } from './task';

/**
 * A task that runs once.
 *
 * `installTask()` installs it: at the time that call gives, otherwise at the time of the constructor. Follows BACpypes'
 * `OneShotTask`.
 *
 * @example
 * class Report extends OneShotTask {
 *   processTask() { console.log('due') }
 * }
 * new Report(Date.now() + 1000).installTask();
 */
export class OneShotTask extends Task {
  /**
   * Makes a task; it is not installed yet. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` when `when` is no
   * time.
   * @param when The time on the wall clock: milliseconds since the epoch, or a Date. Default: none.
   */
  constructor(when?: number | Date) {
    super();
    if (when !== undefined) {
      this.taskTime = validateTime('when', when);
    }
  }
}

/**
 * A task that runs once. BACpypes deletes its own reference to such a task after the run; JavaScript has no need for
 * that.
 */
export class OneShotDeleteTask extends OneShotTask {}

/**
 * A task that calls a function once. `installTask()` installs it. Follows BACpypes' `FunctionTask`.
 *
 * @example
 * new FunctionTask(console.log, 'a second later').installTask({ delta: 1000 });
 */
export class FunctionTask<A extends unknown[] = unknown[]> extends OneShotTask {
  readonly #call: () => unknown;

  /**
   * Makes a task that calls `fn(...args)`; it is not installed yet. Throws `ERR_INVALID_ARG_TYPE` when `fn` is no
   * function.
   */
  constructor(fn: (...args: A) => unknown, ...args: A) {
    super();
    validateFunction('fn', fn);
    this.#call = args.length === 0 ? fn : bind(fn, args);
  }

  /** Calls the function, and returns its result. */
  override processTask(): unknown {
    const call = this.#call;
    return call();
  }
}

/**
 * A task that calls a function once, as soon as possible. The constructor installs it. Follows BACpypes'
 * `OneShotFunction`.
 */
export class OneShotFunction<A extends unknown[] = unknown[]> extends FunctionTask<A> {
  /** Makes a task that calls `fn(...args)`, and installs it. Throws `ERR_INVALID_ARG_TYPE` when `fn` is no function. */
  constructor(fn: (...args: A) => unknown, ...args: A) {
    super(fn, ...args);
    this.installTask({ delta: 0 });
  }
}
