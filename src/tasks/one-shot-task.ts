/** Tasks that run once. */

import { validateFunction, validateTime } from '../util/validate';
import { bind } from './bind';
import { Task } from './task';

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
