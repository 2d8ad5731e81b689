/** How long a caller waits for room in a queue and for a result, and with which error the wait ends. */

import { monotonicNow } from '../platform';
import { CallTimeoutError, QueueFullError } from '../util';

export interface Timeout {
  /** On the monotonic clock. */
  readonly deadline: number;
  /**
   * Returns the error for a wait that has reached the deadline. `isUnread` says that the manager has not read
   * everything that was sent.
   */
  toError(isUnread?: boolean): Error;
}

export const NO_WAIT: Timeout = { deadline: Number.NEGATIVE_INFINITY, toError: () => new QueueFullError() };
export const NO_TIMEOUT: Timeout = { deadline: Infinity, toError: () => new QueueFullError() };

/** The timeout of a call. */
export class CallTimeout implements Timeout {
  readonly deadline: number;
  readonly #name: string;
  readonly #timeout: number;

  constructor(name: string, timeout: number) {
    // A wait without a deadline does not read the clock.
    this.deadline = timeout === Infinity ? Infinity : monotonicNow() + timeout;
    this.#name = name;
    this.#timeout = timeout;
  }

  toError(isUnread?: boolean): Error {
    return new CallTimeoutError(this.#name, this.#timeout, isUnread);
  }
}
