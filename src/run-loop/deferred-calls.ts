/** The deferred functions of a loop. */

import { type AsyncContext, captureContext, runInContext } from '../tasks';
import { report, reserveStack } from '../platform';
import { isThenable } from '../util';

/** A call that waits, and the async context of its `deferred()`. */
interface DeferredCall {
  readonly call: () => unknown;
  readonly context: AsyncContext;
}

/** Keeps calls until the next pass. */
export class DeferredCalls {
  #calls: DeferredCall[] = [];

  /** Returns the number of calls that wait. */
  get size(): number {
    return this.#calls.length;
  }

  /** Adds a call, which the next {@link DeferredCalls.run} makes in the async context of the caller. */
  add(call: () => unknown): void {
    this.#calls.push({ call, context: captureContext() });
  }

  /** Drops the calls that wait. */
  clear(): void {
    this.#calls = [];
  }

  /**
   * Makes the calls that wait; calls that are added meanwhile wait for the next run. An error is printed, also when it
   * is the reason of a rejected promise, and the remaining calls are still made.
   */
  run(): void {
    const batch = this.#calls;
    if (batch.length === 0) {
      return;
    }
    reserveStack();
    this.#calls = [];
    for (const { call, context } of batch) {
      try {
        const result = runInContext(context, call, undefined);
        if (isThenable(result)) {
          Promise.resolve(result).catch(reportDeferred);
        }
      } catch (error) {
        reportDeferred(error);
      }
    }
  }
}

function reportDeferred(error: unknown): void {
  report('error in a deferred function', error);
}
