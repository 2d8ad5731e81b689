/** The deferred functions of a loop. */

/** Keeps calls until the next pass. */
export class DeferredCalls {
  #calls: (() => void)[] = [];

  /** Returns the number of calls that wait. */
  get size(): number {
    return this.#calls.length;
  }

  /** Adds a call, which the next {@link DeferredCalls.run} makes. */
  add(call: () => void): void {
    this.#calls.push(call);
  }

  /**
   * Makes the calls that wait; calls that are added meanwhile wait for the next run. An error is printed, and the
   * remaining calls are still made.
   */
  run(): void {
    const batch = this.#calls;
    if (batch.length === 0) {
      return;
    }
    this.#calls = [];
    for (const call of batch) {
      try {
        call();
      } catch (error) {
        console.error('error in a deferred function', error);
      }
    }
  }
}
