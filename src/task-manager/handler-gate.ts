/** Limits how many promises of handlers are pending, and tells when none is. */

import { TaskCancelledError, isThenable } from '../util';
import { type AnyHandler, turns } from './named-task';

/** What a gate needs of the second argument of a handler. */
interface Context {
  readonly name: string;
  readonly signal: AbortSignal;
}

export class HandlerGate {
  readonly #limit: number;
  #pending = 0;
  /** What begins the tasks that wait, in their order. */
  readonly #waiting = new Set<() => void>();
  readonly #onIdle: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns a handler that waits in its promise while too many others are pending. */
  wrap(handler: AnyHandler): AnyHandler {
    return (payload: unknown, context: Context) =>
      this.#pending < this.#limit
        ? this.#run(handler, payload, context)
        : this.#wait(context).then(() => this.#leave(this.#begin(handler, payload, context)));
  }

  /** Resolves when no promise of a handler is pending. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#notifyIdle();
    });
  }

  #run(handler: AnyHandler, payload: unknown, context: Context): unknown {
    const result = handler(payload, context);
    if (!isThenable(result)) {
      return result;
    }
    this.#pending += 1;
    return this.#leave(result);
  }

  /** Resolves when it is the turn of a task. Rejects when the task is cancelled before that. */
  #wait(context: Context): Promise<void> {
    return new Promise((resolve, reject) => {
      const { name, signal } = context;
      const begin = (): void => {
        signal.removeEventListener('abort', onAbort);
        turns.delete(context);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(begin);
        turns.set(context, 'cancelled');
        reject(new TaskCancelledError(name));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      turns.set(context, 'waiting');
      this.#waiting.add(begin);
    });
  }

  /** Runs a handler that has waited. What it throws is a rejection. */
  async #begin(handler: AnyHandler, payload: unknown, context: Context): Promise<unknown> {
    return handler(payload, context);
  }

  /** Gives the place of a promise to the next task when the promise is settled. */
  async #leave(result: unknown): Promise<unknown> {
    try {
      return await result;
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) {
        this.#pending -= 1;
        this.#notifyIdle();
      } else {
        this.#waiting.delete(next);
        next();
      }
    }
  }

  #notifyIdle(): void {
    if (this.#pending === 0 && this.#waiting.size === 0) {
      this.#onIdle.splice(0).forEach((resolve) => resolve());
    }
  }
}
