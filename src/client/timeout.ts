/** How long somebody waits for room in a queue, and for a result. */

import { monotonicNow } from '../platform/clock';
import { CallTimeoutError, QueueFullError } from '../util/errors';

export interface Patience {
  /** On the monotonic clock. */
  readonly deadline: number;
  /** The error for when that has passed. */
  giveUp(): Error;
}

export const NONE: Patience = { deadline: Number.NEGATIVE_INFINITY, giveUp: () => new QueueFullError() };
export const FOREVER: Patience = { deadline: Infinity, giveUp: () => new QueueFullError() };

/** A caller's. */
export class CallPatience implements Patience {
  readonly deadline: number;
  readonly #name: string;
  readonly #timeout: number;

  constructor(name: string, timeout: number) {
    // Whoever waits for ever need not know when it began.
    this.deadline = timeout === Infinity ? Infinity : monotonicNow() + timeout;
    this.#name = name;
    this.#timeout = timeout;
  }

  giveUp(): Error {
    return new CallTimeoutError(this.#name, this.#timeout);
  }
}
