/** select() and selectAsync(), for descriptors and for objects that have one. */

import { setMaxListeners } from 'node:events';

import { READABLE, reactor, reserveStack } from '../platform';
import { type SystemError, throwIfAborted, validateOptions, validateSignal, validateTimeout } from '../util';
import { type DescriptorWaiter, type WatchedDescriptor, unwatchDescriptor, watchDescriptor } from './descriptor-waits';
import { type Selectable, type SelectedDescriptor, Selection, maskOf } from './selection';
import type { WaitableEvent } from './waitable-event';

/** Options of `selectAsync()`. */
export interface SelectAsyncOptions {
  /** Ends the wait: the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Blocks this thread until a descriptor is ready. Returns the ready members of each list: the very members that were
 * passed, in their order. All three lists are empty when the timeout passed first.
 *
 * Follows Python's `select.select()`, without its limit of 1024. A hang-up or an error makes a descriptor readable, an
 * error makes it writable, and a regular file is always both. A worker that blocks here can be terminated, as in
 * `wait()`.
 *
 * Throws `EBADF` for a number that is not an open descriptor, and `ERR_INVALID_ARG_VALUE` for one that cannot be a
 * descriptor. Throws `ERR_INVALID_ARG_TYPE` for a member that is neither a number nor has a `fileno()`.
 *
 * @param timeout Milliseconds, fractions allowed. Default: `Infinity`, which waits indefinitely. Zero and negative
 * values poll once. The wait never ends before the timeout, which runs on the monotonic clock.
 * @example
 * const [readable] = select([event, serialPort], [], [], 250);
 */
export function select<R extends Selectable, W extends Selectable = never, X extends Selectable = never>(
  readers: Iterable<R>,
  writers: Iterable<W> = [],
  exceptional: Iterable<X> = [],
  timeout?: number,
): [R[], W[], X[]] {
  const milliseconds = validateTimeout(timeout);
  const selection = new Selection(readers, writers, exceptional);
  selection.wait(milliseconds);
  return selection.result();
}

/**
 * Waits as `select()` does, but in Node's event loop: it does not block the thread. The wait keeps the process alive.
 *
 * Rejects with the signal's reason when the signal aborts, and with what `select()` throws. When a thread closes a
 * member that is an event, it rejects with `ERR_EVENT_CLOSED`. Rejects with `ELOOP` for an epoll that nests too deeply,
 * with `EINVAL` for a descriptor that is watched in too many places, and with `ENOTSUP` for a file whose state is gone
 * once it was polled, such as a pressure trigger or `/proc/self/mounts`: `select()` takes all of them.
 *
 * @param timeout Milliseconds, fractions allowed. Default: `Infinity`, which waits indefinitely. Zero and negative
 * values poll once. The wait never ends before the timeout, which runs on the monotonic clock.
 * @example
 * const [readable] = await selectAsync([event, serialPort], [], [], 250, { signal: controller.signal });
 */
export function selectAsync<R extends Selectable, W extends Selectable = never, X extends Selectable = never>(
  readers: Iterable<R>,
  writers: Iterable<W> = [],
  exceptional: Iterable<X> = [],
  timeout?: number,
  options?: SelectAsyncOptions,
): Promise<[R[], W[], X[]]> {
  // No async function: a wait has one promise, and not three.
  try {
    const milliseconds = validateTimeout(timeout);
    validateOptions(options);
    validateSignal(options?.signal);
    throwIfAborted(options?.signal);
    const selection = new Selection(readers, writers, exceptional);
    // This poll finds what is ready now, what is not open, and regular files, which no poller accepts.
    const isOver = selection.wait(0) || milliseconds <= 0;
    return isOver ? Promise.resolve(selection.result()) : waitFor(selection, milliseconds, options?.signal);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** One member of a selectAsync() that waits for its descriptor. */
class WaitingMember implements DescriptorWaiter {
  readonly interest: number;
  readonly mask: number;
  readonly #owner: WaitingSelect;
  #descriptor: WatchedDescriptor | undefined;

  constructor(owner: WaitingSelect, interest: number) {
    this.#owner = owner;
    this.interest = interest;
    this.mask = maskOf(interest);
  }

  /**
   * Begins to watch `fd`. A regular file is not watched: it is always readable and writable, and never has an
   * exceptional condition.
   */
  begin(fd: number): void {
    try {
      this.#descriptor = watchDescriptor(fd, this);
    } catch (error) {
      if ((error as SystemError).code !== 'EPERM') {
        throw error;
      }
    }
  }

  end(): void {
    if (this.#descriptor !== undefined) {
      unwatchDescriptor(this.#descriptor, this);
    }
  }

  onReady(flags: number, isFresh: boolean): void {
    this.#owner.onReady(flags, isFresh);
  }

  onFailure(error: Error): void {
    this.#owner.settle(error);
  }
}

const NO_MEMBERS: readonly WaitingMember[] = [];

type AnySelection = Pick<Selection<Selectable, Selectable, Selectable>, 'descriptors' | 'wait' | 'report'>;

/** Resolves with the result of a selection when one of its descriptors is ready, or when the timeout has passed. */
function waitFor<R extends Selectable, W extends Selectable, X extends Selectable>(
  selection: Selection<R, W, X>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<[R[], W[], X[]]> {
  return new Promise((resolve, reject) => {
    const waiting = new WaitingSelect(selection, () => resolve(selection.result()), reject);
    try {
      waiting.begin(timeout, signal);
    } catch (error) {
      waiting.settle(error);
    }
  });
}

/** One selectAsync() that waits. */
class WaitingSelect {
  readonly #selection: AnySelection;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #members: readonly WaitingMember[] = NO_MEMBERS;
  #isHolding: boolean = false;
  /** waitAsync() waits for the events. So a close() ends the wait, and a set() counts also if it is cleared at once. */
  #ended: AbortController | undefined;
  #deadline: reactor.Deadline | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  constructor(selection: AnySelection, resolve: () => void, reject: (error: unknown) => void) {
    this.#selection = selection;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Calls `resolve` when one of the descriptors is ready, or when the timeout has passed. */
  begin(timeout: number, signal: AbortSignal | undefined): void {
    reserveStack();
    reactor.hold();
    this.#isHolding = true;
    const { descriptors } = this.#selection;
    this.#members = descriptors.map(({ wanted }) => new WaitingMember(this, wanted));
    for (let index = 0; index < descriptors.length; index += 1) {
      const descriptor = descriptors[index] as SelectedDescriptor;
      if (descriptor.event === undefined) {
        this.#members[index]?.begin(descriptor.fd);
      } else {
        this.#awaitEvent(descriptor.event, descriptor);
      }
    }
    if (timeout !== Infinity) {
      const settle = (error?: Error): void => this.settle(error);
      this.#deadline = { at: reactor.now() + timeout, heapIndex: -1, onDeadline: settle, onFailure: settle };
      reactor.addDeadline(this.#deadline);
    }
    if (signal !== undefined) {
      this.#signal = signal;
      this.#onAbort = () => this.settle(signal.reason, true);
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  #awaitEvent(event: WaitableEvent, descriptor: SelectedDescriptor): void {
    if (this.#ended === undefined) {
      this.#ended = new AbortController();
      // There is one listener for each event: more than ten are no leak.
      setMaxListeners(0, this.#ended.signal);
    }
    const onSet = (): void => {
      descriptor.ready = READABLE;
      this.settle();
    };
    const onEnd = (error: unknown): void => this.settle(error);
    event.waitAsync(Infinity, { ref: false, signal: this.#ended.signal }).then(onSet, onEnd);
  }

  /** Ends the wait if something is ready still: one of its descriptors had `flags`. */
  onReady(flags: number, isFresh: boolean): void {
    try {
      if (!(isFresh && this.#selection.report(flags)) && !this.#selection.wait(0)) {
        return;
      }
    } catch (error) {
      this.settle(error);
      return;
    }
    this.settle();
  }

  /** Ends the wait: with `error`, if there is one. The first call counts. */
  settle(error?: unknown, isAborted: boolean = false): void {
    this.#end();
    if (error === undefined && !isAborted) {
      this.#resolve();
    } else {
      this.#reject(error);
    }
  }

  /** The kernel need not watch the descriptors for this wait any more. */
  #end(): void {
    for (const member of this.#members) {
      member.end();
    }
    this.#members = NO_MEMBERS;
    this.#ended?.abort();
    if (this.#deadline !== undefined) {
      reactor.removeDeadline(this.#deadline);
    }
    if (this.#onAbort !== undefined) {
      this.#signal?.removeEventListener('abort', this.#onAbort);
    }
    if (this.#isHolding) {
      this.#isHolding = false;
      reactor.release();
    }
  }
}
