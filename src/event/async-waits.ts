/** The pending waits for one event in Node's event loop. */

import { EPOCH_SHIFT, check, fast, reactor, toError } from '../platform';
import { EventClosedError } from '../util';

/** Returns how many times the event had become set, modulo 2^30, when its state word was read. */
export function epochOf(state: number): number {
  return state >>> EPOCH_SHIFT;
}

/** Holds all pending waits of one thread for one event. The reactor watches the event once for all of them. */
export class AsyncWaits {
  /**
   * Keeps the event alive. While a wait is pending, the reactor holds this object; an event that is garbage would be
   * closed.
   */
  readonly event: object;
  readonly #state: Int32Array;
  readonly #slot: number;
  /** The list of the waiters, in the order in which they began: each leaves it without a search. */
  #first: AsyncWaiter | undefined;
  #last: AsyncWaiter | undefined;

  constructor(event: object, state: Int32Array, slot: number) {
    this.event = event;
    this.#state = state;
    this.#slot = slot;
  }

  /** Waits until the event is set. `state` is the state word with which the wait began; it said "clear". */
  wait(state: number, timeout: number, ref: boolean, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#first === undefined) {
      const outcome = this.#arm(state);
      if (outcome !== 0) {
        return Promise.resolve(check(outcome, 'epoll_ctl') === 1);
      }
    }
    return new Promise((resolve, reject) => {
      const waiter = new AsyncWaiter(this, epochOf(state), resolve, reject, ref);
      this.#append(waiter);
      waiter.setLimits(timeout, signal);
    });
  }

  /** Rejects all waits: this thread releases the event. */
  close(): void {
    reactor.disarmEvent(this.#slot);
    for (let waiter = this.#takeAll(); waiter !== undefined; waiter = detach(waiter)) {
      waiter.reject(new EventClosedError());
    }
  }

  /**
   * Ends a wait whose timeout has passed. It polls the event once more: when many events are set, the reactor may have
   * reported some only.
   */
  expire(waiter: AsyncWaiter): void {
    this.remove(waiter);
    const isSet = fast.isEventSet(this.#slot);
    if (isSet < 0) {
      waiter.reject(toError(isSet, 'poll'));
    } else {
      waiter.resolve(isSet === 1 || waiter.epoch !== epochOf(Atomics.or(this.#state, 0, 0)));
    }
  }

  /** Removes a waiter. The reactor stops watching the event when that was the last one. */
  remove(waiter: AsyncWaiter): void {
    const { previous, next } = waiter;
    if (this.#first !== waiter && previous === undefined) {
      return;
    }
    if (previous === undefined) {
      this.#first = next;
    } else {
      previous.next = next;
    }
    if (next === undefined) {
      this.#last = previous;
    } else {
      next.previous = previous;
    }
    detach(waiter);
    if (this.#first === undefined) {
      reactor.disarmEvent(this.#slot);
    }
  }

  #append(waiter: AsyncWaiter): void {
    waiter.previous = this.#last;
    if (this.#last === undefined) {
      this.#first = waiter;
    } else {
      this.#last.next = waiter;
    }
    this.#last = waiter;
  }

  /** Empties the list, and returns its first waiter: the rest is behind it. */
  #takeAll(): AsyncWaiter | undefined {
    const first = this.#first;
    this.#first = undefined;
    this.#last = undefined;
    return first;
  }

  /**
   * Makes the reactor watch the event for waits that began at `state`. Returns 0 when it does, 1 when the event was set
   * since, or a negative status.
   */
  #arm(state: number): number {
    return reactor.armEvent(this.#slot, state, this.#onOutcome);
  }

  readonly #onOutcome = (outcome: number): void => {
    let waiter = this.#takeAll();
    const state = Atomics.or(this.#state, 0, 0);
    let isSet: boolean | undefined;
    while (waiter !== undefined) {
      const next = detach(waiter);
      if (outcome < 0) {
        waiter.reject(toError(outcome, 'wait'));
      } else if (waiter.epoch !== epochOf(state) || (isSet ??= fast.isEventSet(this.#slot) === 1)) {
        waiter.resolve(true);
      } else {
        // This wait began after that `set()` had been cleared, so it waits for the next one. Bytes that other processes
        // wrote do not count as an epoch until they are cleared.
        this.#append(waiter);
      }
      waiter = next;
    }
    if (this.#first !== undefined) {
      const next = this.#arm(state);
      if (next !== 0) {
        this.#onOutcome(next);
      }
    }
  };
}

/** Detaches a waiter from a list that is not kept. Returns the waiter after it. */
function detach(waiter: AsyncWaiter): AsyncWaiter | undefined {
  const { next } = waiter;
  waiter.previous = undefined;
  waiter.next = undefined;
  return next;
}

/** Holds one pending wait: its promise, its timeout and its signal. */
class AsyncWaiter implements reactor.Deadline {
  heapIndex: number = -1;
  at: number = Infinity;
  /** Its neighbours in the list of waiters. */
  previous: AsyncWaiter | undefined = undefined;
  next: AsyncWaiter | undefined = undefined;
  /** The event's epoch when the wait began. A different one means that `set()` was called since. */
  readonly epoch: number;
  readonly #waits: AsyncWaits;
  readonly #resolve: (isSet: boolean) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #ref: boolean;
  #stopListening: (() => void) | undefined;
  #isHolding = false;

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
  }

  /**
   * Ends the wait after `timeout` milliseconds, or when `signal` aborts. Keeps the process alive meanwhile: that comes
   * last, because what comes before may fail, for want of stack.
   */
  setLimits(timeout: number, signal: AbortSignal | undefined): void {
    if (timeout !== Infinity) {
      this.at = reactor.now() + timeout;
      reactor.addDeadline(this);
    }
    if (signal !== undefined) {
      const onAbort = (): void => {
        this.#waits.remove(this);
        this.reject(signal.reason);
      };
      this.#stopListening = () => signal.removeEventListener('abort', onAbort);
      signal.addEventListener('abort', onAbort, { once: true });
    }
    if (this.#ref) {
      reactor.hold();
      this.#isHolding = true;
    }
  }

  /** Ends the wait with a result. */
  resolve(isSet: boolean): void {
    this.#dispose();
    this.#resolve(isSet);
  }

  /** Ends the wait with an error. */
  reject(reason: unknown): void {
    this.#dispose();
    this.#reject(reason);
  }

  /** Ends the wait because its timeout has passed. The reactor calls it. */
  onFailure(error: Error): void {
    this.#waits.remove(this);
    this.reject(error);
  }

  onDeadline(): void {
    this.#waits.expire(this);
  }

  /** Stops watching the timeout and the signal, and stops keeping the process alive. */
  #dispose(): void {
    if (this.at !== Infinity) {
      reactor.removeDeadline(this);
    }
    this.#stopListening?.();
    if (this.#isHolding) {
      this.#isHolding = false;
      reactor.release();
    }
  }
}
