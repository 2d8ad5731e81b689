/** The waits for one event in Node's event loop. */

import { EventClosedError } from '../util/errors';
import { EPOCH_SHIFT, check, fast, toError } from '../platform/binding';
import * as reactor from '../platform/reactor';

/** How often an event had become set, modulo 2^30, when its state word was read. */
export function epochOf(state: number): number {
  return state >>> EPOCH_SHIFT;
}

/** All pending waits of one thread for one event: the event is watched once for all of them. */
export class AsyncWaits {
  /** Keeps the event alive: while a wait is pending, the reactor holds this object, and a dropped event would be closed. */
  readonly event: object;
  readonly #state: Int32Array;
  readonly #slot: number;
  #waiters: AsyncWaiter[] = [];

  constructor(event: object, state: Int32Array, slot: number) {
    this.event = event;
    this.#state = state;
    this.#slot = slot;
  }

  /** Waits until the event is set; its state word was `state` when the wait began, and said "clear". */
  wait(state: number, timeout: number, ref: boolean, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#waiters.length === 0) {
      const outcome = this.#arm(state);
      if (outcome !== 0) {
        return Promise.resolve(check(outcome, 'epoll_ctl') === 1);
      }
    }
    return new Promise((resolve, reject) => {
      const waiter = new AsyncWaiter(this, epochOf(state), resolve, reject, ref);
      this.#waiters.push(waiter);
      waiter.limit(timeout, signal);
    });
  }

  /** Ends all waits: the event is let go of. */
  close(): void {
    reactor.disarmEvent(this.#slot);
    const waiters = this.#waiters;
    this.#waiters = [];
    waiters.forEach((waiter) => waiter.reject(new EventClosedError()));
  }

  /** A waiter's time is over. It is asked once more: of many events that were set, the loop may have heard of some only. */
  onDeadline(waiter: AsyncWaiter): void {
    this.onGivenUp(waiter);
    const isSet = fast.isEventSet(this.#slot);
    if (isSet < 0) {
      waiter.reject(toError(isSet, 'poll'));
    } else {
      waiter.resolve(isSet === 1 || waiter.epoch !== epochOf(Atomics.or(this.#state, 0, 0)));
    }
  }

  /** A waiter does not wait any more. */
  onGivenUp(waiter: AsyncWaiter): void {
    const index = this.#waiters.indexOf(waiter);
    if (index >= 0) {
      this.#waiters.splice(index, 1);
      if (this.#waiters.length === 0) {
        reactor.disarmEvent(this.#slot);
      }
    }
  }

  /** Has the loop watch the event for waits that began at `state`: 1 when it was set since, 0 when it is watched, or a status. */
  #arm(state: number): number {
    return reactor.armEvent(this.#slot, state, this.#onOutcome);
  }

  readonly #onOutcome = (outcome: number): void => {
    const waiters = this.#waiters;
    this.#waiters = [];
    const state = Atomics.or(this.#state, 0, 0);
    let isSet: boolean | undefined;
    for (const waiter of waiters) {
      if (outcome < 0) {
        waiter.reject(toError(outcome, 'wait'));
      } else if (waiter.epoch !== epochOf(state) || (isSet ??= fast.isEventSet(this.#slot) === 1)) {
        waiter.resolve(true);
      } else {
        // Who came when that `set()` had been cleared again waits for the next one. (Foreign bytes are no epoch until they are
        // cleared.)
        this.#waiters.push(waiter);
      }
    }
    if (this.#waiters.length > 0) {
      const next = this.#arm(state);
      if (next !== 0) {
        this.#onOutcome(next);
      }
    }
  };
}

/** One pending wait. */
class AsyncWaiter implements reactor.Deadline {
  heapIndex: number = -1;
  at: number = Infinity;
  /** The event's when the wait began: a different one is a `set()` that came since. */
  readonly epoch: number;
  readonly #waits: AsyncWaits;
  readonly #resolve: (isSet: boolean) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #ref: boolean;
  #stopListening: (() => void) | undefined;

  constructor(
    waits: AsyncWaits,
    epoch: number,
    resolve: (isSet: boolean) => void,
    reject: (reason: unknown) => void,
    ref: boolean,
  ) {
    this.#waits = waits;
    this.epoch = epoch;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#ref = ref;
    if (ref) {
      reactor.hold();
    }
  }

  /** Has it give up after `timeout`, or when `signal` says so. */
  limit(timeout: number, signal: AbortSignal | undefined): void {
    if (timeout !== Infinity) {
      this.at = reactor.now() + timeout;
      reactor.addDeadline(this);
    }
    if (signal !== undefined) {
      const onAbort = (): void => {
        this.#waits.onGivenUp(this);
        this.reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#stopListening = () => signal.removeEventListener('abort', onAbort);
    }
  }

  resolve(isSet: boolean): void {
    this.#leave();
    this.#resolve(isSet);
  }

  reject(reason: unknown): void {
    this.#leave();
    this.#reject(reason);
  }

  onDeadline(): void {
    this.#waits.onDeadline(this);
  }

  #leave(): void {
    if (this.at !== Infinity) {
      reactor.removeDeadline(this);
    }
    this.#stopListening?.();
    if (this.#ref) {
      reactor.release();
    }
  }
}
