/** select() and selectAsync(), for descriptors and for objects that have one. */

import { setMaxListeners } from 'node:events';

import { READABLE, reactor, reserveStack } from '../platform';
import { type SystemError, throwIfAborted, validateOptions, validateSignal, validateTimeout } from '../util';
import { type DescriptorWaiter, type WatchedDescriptor, unwatchDescriptor, watchDescriptor } from './descriptor-waits';
import { type Selectable, Selection, maskOf } from './selection';

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
  reserveStack();
  // waitAsync() waits for the events. So a close() ends the wait, and a set() counts also if it is cleared immediately.
  let ended: AbortController | undefined;
  reactor.hold();
  const watches: [WatchedDescriptor, DescriptorWaiter][] = [];
  let deadline: reactor.Deadline | undefined;
  let onAbort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const onReady = (): void => {
        try {
          if (!selection.wait(0)) {
            return;
          }
          resolve();
        } catch (error) {
          reject(error);
        }
        // Now, before the promise is settled: the kernel need not watch them for this wait any more.
        unwatchAll(watches);
      };
      for (const [member, flags] of selection.wanted) {
        const event = selection.events.get(member);
        if (event === undefined) {
          const waiter: DescriptorWaiter = { mask: maskOf(flags), onReady, onFailure: reject };
          const descriptor = watchUnlessFile(member, flags, waiter);
          if (descriptor !== undefined) {
            watches.push([descriptor, waiter]);
          }
        } else {
          const onSet = (): void => {
            selection.ready.set(member, READABLE);
            resolve();
          };
          if (ended === undefined) {
            ended = new AbortController();
            // There is one listener for each event: more than ten are no leak.
            setMaxListeners(0, ended.signal);
          }
          event.waitAsync(Infinity, { ref: false, signal: ended.signal }).then(onSet, reject);
        }
      }
      if (timeout !== Infinity) {
        deadline = { at: reactor.now() + timeout, heapIndex: -1, onDeadline: resolve, onFailure: reject };
        reactor.addDeadline(deadline);
      }
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    ended?.abort();
    unwatchAll(watches);
    if (deadline !== undefined) {
      reactor.removeDeadline(deadline);
    }
    if (onAbort !== undefined) {
      signal?.removeEventListener('abort', onAbort);
    }
    reactor.release();
  }
}

function unwatchAll(watches: [WatchedDescriptor, DescriptorWaiter][]): void {
  for (const [descriptor, waiter] of watches.splice(0)) {
    unwatchDescriptor(descriptor, waiter);
  }
}

/**
 * Watches a descriptor. Returns `undefined` for a regular file, which is always readable and writable, and never has an
 * exceptional condition.
 */
function watchUnlessFile(fd: number, flags: number, waiter: DescriptorWaiter): WatchedDescriptor | undefined {
  try {
    return watchDescriptor(fd, flags, waiter);
  } catch (error) {
    if ((error as SystemError).code === 'EPERM') {
      return undefined;
    }
    throw error;
  }
}
