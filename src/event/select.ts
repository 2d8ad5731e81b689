/** select() for descriptors and for objects that have one. */

import { setMaxListeners } from 'node:events';

import { os } from '../platform/lazy-builtins';
import { InvalidArgTypeError } from '../util/errors';
import { WaitableEvent, slot } from './waitable-event';
import {
  ERROR,
  HANG_UP,
  PRIORITY,
  READABLE,
  SELECT_LENGTH,
  WRITABLE,
  check,
  makeBatch,
  native,
} from '../platform/binding';
import * as reactor from '../platform/reactor';
import { throwIfAborted, validateDescriptor, validateOptions, validateSignal, validateTimeout } from '../util/validate';

/** A descriptor, or something that has one: a WaitableEvent, a Dispatcher. */
export type Selectable = number | { fileno(): number };

/** Options of `selectAsync()`. */
export interface SelectAsyncOptions {
  /** Ends the wait: the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

/** What counts as readable, as in select(2): a hang-up and an error end a read at once. */
const READS = READABLE | HANG_UP | ERROR;
const WRITES = WRITABLE | ERROR;

/** Each descriptor once, with everything that somebody wants of it. */
class Selection<R extends Selectable, W extends Selectable, X extends Selectable> {
  readonly wanted = new Map<number, number>();
  readonly ready = new Map<number, number>();
  /** Those of the readers that are events, by their descriptors. */
  readonly events = new Map<number, WaitableEvent>();
  readonly #readers: [R, number][];
  readonly #writers: [W, number][];
  readonly #exceptional: [X, number][];

  constructor(readers: Iterable<R>, writers: Iterable<W>, exceptional: Iterable<X>) {
    this.#readers = this.#add('readers', readers, READABLE);
    this.#writers = this.#add('writers', writers, WRITABLE);
    this.#exceptional = this.#add('exceptional', exceptional, PRIORITY);
  }

  #add<T extends Selectable>(name: string, members: Iterable<T>, flag: number): [T, number][] {
    if (typeof members !== 'object' || members === null || !(Symbol.iterator in members)) {
      throw new InvalidArgTypeError(name, 'a list of descriptors or of objects with fileno()', members);
    }
    return Array.from(members, (member): [T, number] => {
      const fd = filenoOf(name, member);
      if (flag === READABLE && member instanceof WaitableEvent) {
        this.events.set(fd, member);
      }
      this.wanted.set(fd, (this.wanted.get(fd) ?? 0) | flag);
      return [member, fd];
    });
  }

  /** Waits, blocking; true when something is ready. */
  wait(timeout: number): boolean {
    const members = new Int32Array(SELECT_LENGTH * this.wanted.size);
    const events = new Uint32Array(Array.from(this.events.values(), (event) => event[slot]));
    let at = 0;
    for (const [fd, flags] of this.wanted) {
      members[at] = fd;
      members[at + 1] = flags;
      at += SELECT_LENGTH;
    }
    const count = check(native.selectDescriptors(members, events, timeout), 'select');
    for (at = 0; at < members.length; at += SELECT_LENGTH) {
      this.ready.set(members[at] as number, members[at + 2] as number);
    }
    return count > 0;
  }

  result(): [R[], W[], X[]] {
    const pick = <T>(members: [T, number][], mask: number): T[] =>
      members.filter(([, fd]) => ((this.ready.get(fd) ?? 0) & mask) !== 0).map(([member]) => member);
    return [pick(this.#readers, READS), pick(this.#writers, WRITES), pick(this.#exceptional, PRIORITY)];
  }
}

function filenoOf(name: string, member: Selectable): number {
  if (typeof member === 'number') {
    return validateDescriptor(name, member);
  }
  if (typeof member !== 'object' || member === null || typeof member.fileno !== 'function') {
    throw new InvalidArgTypeError(name, 'a list of descriptors or of objects with fileno()', member);
  }
  return validateDescriptor(name, member.fileno());
}

/**
 * Blocks this thread until a descriptor is ready, and returns the ready ones of each list: the very members that were passed,
 * in their order. All three are empty when the timeout passed first.
 *
 * As Python's `select.select()`, without its limit of 1024: a hang-up or an error makes a descriptor readable, an error makes
 * it writable, a regular file is always both. A worker that blocks here can be terminated, as in `wait()`.
 *
 * Throws `EBADF` for a number that is not open, `ERR_INVALID_ARG_VALUE` for one that cannot be a descriptor.
 *
 * @param timeout milliseconds, fractions allowed; default: for ever; zero and less look once. Never early.
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
 * `select()` in Node's event loop: nothing is blocked, and the wait keeps the process alive.
 *
 * Rejects with the signal's reason, and with what `select()` throws.
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
  // What is ready now, what is not open, and regular files, which no poller takes, are dealt with here.
  if (!selection.wait(0) && milliseconds > 0) {
    await untilReady(selection, milliseconds, options?.signal);
  }
  return selection.result();
}

/** Resolves when one of the descriptors is ready or the time is over. */
async function untilReady(
  selection: Selection<Selectable, Selectable, Selectable>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Events are awaited as events: so a close() ends the wait, and a set() that is cleared at once is seen.
  const over = new AbortController();
  // As many listeners as events: more than ten are no leak.
  setMaxListeners(0, over.signal);
  reactor.hold();
  let poller = -1;
  let fd = -1;
  let token = 0;
  let deadline: reactor.Deadline | undefined;
  let onAbort: (() => void) | undefined;
  try {
    // A poller of its own, so that other waits for the same descriptors are not in the way.
    poller = check(native.createPoller(makeBatch(1)), 'epoll_create1');
    fd = native.pollerFileno(poller);
    await new Promise<void>((resolve, reject) => {
      for (const [member, flags] of selection.wanted) {
        const event = selection.events.get(member);
        if (event === undefined) {
          const added = native.addMember(poller, member, 0, flags);
          // A regular file: it is always ready to be read and written, and never has an exceptional condition.
          if (added !== -os().constants.errno.EPERM) {
            check(added, 'epoll_ctl');
          }
        } else {
          const onSet = (): void => {
            selection.ready.set(member, READABLE);
            resolve();
          };
          event.waitAsync(Infinity, { ref: false, signal: over.signal }).then(onSet, reject);
        }
      }
      token = reactor.watch(fd, () => {
        try {
          if (selection.wait(0)) {
            resolve();
            return;
          }
        } catch (error) {
          reject(error);
          return;
        }
        // Somebody else was faster, or it is a hang-up that nobody asks about: that one would be reported for ever.
        for (const [member, flags] of selection.ready) {
          if (flags !== 0) {
            native.removeMember(poller, member, 0);
          }
        }
      });
      if (timeout !== Infinity) {
        deadline = { at: reactor.now() + timeout, heapIndex: -1, onDeadline: resolve };
        reactor.addDeadline(deadline);
      }
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    over.abort();
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
