/** What becomes of what a task throws. */

import type { NameStats } from './name-stats';

/** Counts errors and hands them to the manager's `onError`. */
export class ErrorReporter {
  readonly #onError: (error: unknown, name: string) => void;

  constructor(onError: (error: unknown, name: string) => void) {
    this.#onError = onError;
  }

  report(error: unknown, stats: NameStats): void {
    stats.onFail(error);
    try {
      this.#onError(error, stats.name);
    } catch (second) {
      // It is called in the middle of everything; nobody's task is to suffer from it.
      reportError(error, stats.name);
      show('error in onError', second);
    }
  }
}

/** The default of `onError`. */
export function reportError(error: unknown, name: string): void {
  show(`error in the task ${JSON.stringify(name)}`, error);
}

function show(what: string, error: unknown): void {
  try {
    console.error(what, error);
  } catch {
    // One of its getters throws.
    console.error(what, '(it cannot be shown)');
  }
}
