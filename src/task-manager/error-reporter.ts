/** Reports what a task throws. */

import { report } from '../platform';
import type { NameStats } from './name-stats';

/** Counts errors, and passes them to the manager's `onError`. */
export class ErrorReporter {
  #onError: (error: unknown, name: string) => void;
  #intercept: ((error: unknown) => boolean) | undefined;

  constructor(onError: (error: unknown, name: string) => void) {
    this.#onError = onError;
  }

  /** Offers each error to `intercept` first, which returns whether it takes the error; `undefined` ends that. */
  intercept(intercept: ((error: unknown) => boolean) | undefined): void {
    this.#intercept = intercept;
  }

  /** Sets the function that errors are passed to. */
  setOnError(onError: (error: unknown, name: string) => void): void {
    this.#onError = onError;
  }

  /** Reports an error of a task. Never throws. */
  report(error: unknown, stats: NameStats): void {
    stats.onFail();
    if (this.#intercept?.(error) === true) {
      return;
    }
    try {
      this.#onError(error, stats.name);
    } catch (second) {
      // An error of `onError` must not stop the loop's pass, so it is printed too.
      reportError(error, stats.name);
      print('error in onError', second);
    }
  }
}

/** Prints an error to the console: the default of `onError`. */
export function reportError(error: unknown, name: string): void {
  print(`error in the task ${JSON.stringify(name)}`, error);
}

function print(what: string, error: unknown): void {
  try {
    report(what, error);
  } catch {
    // One of the error's getters throws.
    report(what, '(the error cannot be printed)');
  }
}
