/** Limits how many promises of handlers are pending in a worker, and tells when none is. */

import type { TaskContext } from '../task-manager';
import { isThenable } from '../util';

type Handler = (payload: unknown, context: TaskContext) => unknown;

export class HandlerGate {
  readonly #limit: number;
  #pending = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #onIdle: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns a handler that waits in its promise while too many others are pending. */
  wrap(handler: Handler): Handler {
    return (payload, context) =>
      this.#pending < this.#limit
        ? this.#run(handler, payload, context)
        : new Promise<void>((resolve) => {
            this.#waiting.push(resolve);
          }).then(() => this.#leave(this.#begin(handler, payload, context)));
  }

  /** Resolves when no promise of a handler is pending. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#notifyIdle();
    });
  }

  #run(handler: Handler, payload: unknown, context: TaskContext): unknown {
    const result = handler(payload, context);
    if (!isThenable(result)) {
      return result;
    }
    this.#pending += 1;
    return this.#leave(result);
  }

  /** Runs a handler that has waited. A task that was cancelled meanwhile does not begin. */
  async #begin(handler: Handler, payload: unknown, context: TaskContext): Promise<unknown> {
    context.signal.throwIfAborted();
    return handler(payload, context);
  }

  /** Gives the place of a promise to the next task when the promise is settled. */
  async #leave(result: unknown): Promise<unknown> {
    try {
      return await result;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#pending -= 1;
        this.#notifyIdle();
      } else {
        next();
      }
    }
  }

  #notifyIdle(): void {
    if (this.#pending === 0 && this.#waiting.length === 0) {
      this.#onIdle.splice(0).forEach((resolve) => resolve());
    }
  }
}
