/** How long somebody waits for room in a queue, and for a result. */

import { monotonicNow } from '../platform/clock';
import { CallTimeoutError, QueueFullError } from '../util/errors';

export interface Timeout {
  /** On the monotonic clock. */
  readonly deadline: number;
  /** The error for when that has passed. */
  toError(): Error;
}

export const NO_WAIT: Timeout = { deadline: Number.NEGATIVE_INFINITY, toError: () => new QueueFullError() };
export const NO_TIMEOUT: Timeout = { deadline: Infinity, toError: () => new QueueFullError() };

/** A caller's. */
export class CallTimeout implements Timeout {
  readonly deadline: number;
  readonly #name: string;
  readonly #timeout: number;

  constructor(name: string, timeout: number) {
    // Whoever waits for ever need not know when it began.
    this.deadline = timeout === Infinity ? Infinity : monotonicNow() + timeout;
    this.#name = name;
    this.#timeout = timeout;
  }

  toError(): Error {
    return new CallTimeoutError(this.#name, this.#timeout);
  }
}
