/** select() and selectAsync(), for descriptors and for objects that have one. */

import { setMaxListeners } from 'node:events';

import { READABLE, check, makeBatch, native, os, reactor } from '../platform';
import { throwIfAborted, validateOptions, validateSignal, validateTimeout } from '../util';
import { type Selectable, Selection } from './selection';

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
 * member that is an event, it rejects with `ERR_EVENT_CLOSED`.
 *
 * @param timeout Milliseconds, fractions allowed. Default: `Infinity`, which waits indefinitely. Zero and negative
 * values poll once. The wait never ends before the timeout, which runs on the monotonic clock.
 * @example
 * const [readable] = await selectAsync([event, serialPort], [], [], 250, { signal: controller.signal });
 */
export async function selectAsync<R extends Selectable, W extends Selectable = never, X extends Selectable = never>(
  readers: Iterable<R>,
  writers: Iterable<W> = [],
  exceptional: Iterable<X> = [],
  timeout?: number,
  options?: SelectAsyncOptions,
): Promise<[R[], W[], X[]]> {
  const milliseconds = validateTimeout(timeout);
  validateOptions(options);
  validateSignal(options?.signal);
  throwIfAborted(options?.signal);
  const selection = new Selection(readers, writers, exceptional);
  // This poll finds what is ready now, what is not open, and regular files, which no poller accepts.
  if (!selection.wait(0) && milliseconds > 0) {
    await untilReady(selection, milliseconds, options?.signal);
  }
  return selection.result();
}

/** Resolves when one of the descriptors is ready, or when the timeout has passed. */
async function untilReady(
  selection: Selection<Selectable, Selectable, Selectable>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  // waitAsync() waits for the events. So a close() ends the wait, and a set() counts also if it is cleared immediately.
  const ended = new AbortController();
  // There is one listener for each event: more than ten are no leak.
  setMaxListeners(0, ended.signal);
  reactor.hold();
  let poller = -1;
  let fd = -1;
  let token = 0;
  let deadline: reactor.Deadline | undefined;
  let onAbort: (() => void) | undefined;
  try {
    // Each wait has a poller of its own, so that waits for the same descriptors do not disturb each other.
    poller = check(native.createPoller(makeBatch(1)), 'epoll_create1');
    fd = native.pollerFileno(poller);
    await new Promise<void>((resolve, reject) => {
      for (const [member, flags] of selection.wanted) {
        const event = selection.events.get(member);
        if (event === undefined) {
          const added = native.addMember(poller, member, 0, flags);
          // EPERM means a regular file. It is always readable and writable, and never has an exceptional condition.
          if (added !== -os().constants.errno.EPERM) {
            check(added, 'epoll_ctl');
          }
        } else {
          const onSet = (): void => {
            selection.ready.set(member, READABLE);
            resolve();
          };
          event.waitAsync(Infinity, { ref: false, signal: ended.signal }).then(onSet, reject);
        }
      }
      const onReady = (): void => {
        try {
          if (selection.wait(0)) {
            resolve();
            return;
          }
        } catch (error) {
          reject(error);
          return;
        }
        // Another reader was faster, or no list asks for this condition: a hang-up would be reported in every loop
        // iteration.
        for (const [member, flags] of selection.ready) {
          if (flags !== 0) {
            native.removeMember(poller, member, 0);
          }
        }
      };
      token = reactor.watch(fd, onReady, reject);
      if (timeout !== Infinity) {
        deadline = { at: reactor.now() + timeout, heapIndex: -1, onDeadline: resolve, onFailure: reject };
        reactor.addDeadline(deadline);
      }
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    ended.abort();
    reactor.unwatch(fd, token);
    if (deadline !== undefined) {
      reactor.removeDeadline(deadline);
    }
    if (onAbort !== undefined) {
      signal?.removeEventListener('abort', onAbort);
    }
    if (poller >= 0) {
      native.closePoller(poller);
    }
    reactor.release();
  }
}
