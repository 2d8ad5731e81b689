/**
 * The descriptors that the `selectAsync()` calls of this thread wait for.
 *
 * Each descriptor is in the reactor once, for all the calls that wait for it: the kernel limits in how many epolls a
 * descriptor may be. The kernel reports it once and then waits to be asked again, so that a descriptor that was closed
 * without a word cannot be reported forever.
 *
 * A descriptor that was reported stays in the reactor when nothing waits for it any more: the kernel reports nothing
 * until it is asked, and the next wait is one call in place of three. What is closed leaves by itself.
 */

import { ERROR, HANG_UP, reactor } from '../platform';

/**
 * Number of descriptors that stay at most while nothing waits for them. On Windows none: a number that foreign code has
 * closed is not told from the next descriptor with this number.
 */
const MOST_KEPT = process.platform === 'win32' ? 0 : 4096;
let kept = 0;

/** One call that waits for one descriptor. */
export interface DescriptorWaiter {
  /** What it waits for. */
  readonly interest: number;
  /** The flags that end the wait. */
  readonly mask: number;
  /**
   * Is called with the flags of the descriptor when it had one of them. The waiter stays until
   * {@link unwatchDescriptor}. `isFresh` says that no code of the user has run since.
   */
  onReady(flags: number, isFresh: boolean): void;
  /** Is called when the kernel refuses the poll. */
  onFailure(error: Error): void;
}

class WatchedDescriptor {
  readonly fd: number;
  readonly token: number;
  /** Whether it tells its descriptor from another one with the same number. */
  readonly tellsApart: boolean;
  readonly waiters: DescriptorWaiter[] = [];
  /** Whether the number is still the descriptor that was watched, as far as is known. */
  isOpen: boolean = true;
  /** Whether the kernel will report it. */
  isArmed: boolean = true;

  constructor(fd: number, interest: number) {
    this.fd = fd;
    const { token, isDuplicate } = reactor.watch(fd, interest, this);
    this.token = token;
    this.tellsApart = !isDuplicate;
  }

  /** Has the kernel report it once more. Returns false when the number is another descriptor, or none. */
  rearm(interest: number): boolean {
    this.isOpen = this.isOpen && reactor.rearm(this.fd, this.token, interest) >= 0;
    this.isArmed = this.isOpen;
    return this.isOpen;
  }

  /** Returns what all of its waiters wait for, beside `interest`. */
  interestWith(interest: number): number {
    let all = interest;
    for (const waiter of this.waiters) {
      all |= waiter.interest;
    }
    return all;
  }

  onReady(flags: number, isFresh: boolean): void {
    this.isArmed = false;
    if (this.waiters.length === 1) {
      callIfReady(this.waiters[0] as DescriptorWaiter, flags, isFresh);
    } else {
      // A waiter leaves the list when it is called.
      for (const waiter of Array.from(this.waiters)) {
        callIfReady(waiter, flags, isFresh);
      }
    }
    // Those that stay found that another thread was faster, or they do not wait for what has happened. A hang-up and an
    // error last: the kernel would report them again and again.
    if (this.waiters.length > 0 && (flags & (HANG_UP | ERROR)) === 0) {
      this.rearm(this.interestWith(0));
    }
  }

  onFailure(error: Error): void {
    Array.from(this.waiters).forEach((waiter) => waiter.onFailure(error));
  }
}

function callIfReady(waiter: DescriptorWaiter, flags: number, isFresh: boolean): void {
  if ((flags & waiter.mask) !== 0) {
    waiter.onReady(flags, isFresh);
  }
}

/** By number. One whose number is another descriptor by now is not in it any more. */
const watched = new Map<number, WatchedDescriptor>();

/** Calls `waiter` when `fd` is ready for what it waits for, hangs up or has an error. */
export function watchDescriptor(fd: number, waiter: DescriptorWaiter): WatchedDescriptor {
  let descriptor = watched.get(fd);
  const wasKept = descriptor?.waiters.length === 0;
  // Asks the kernel in any case: it alone knows whether the number is the same descriptor.
  if (descriptor?.tellsApart !== true || !descriptor.rearm(descriptor.interestWith(waiter.interest))) {
    if (descriptor !== undefined && wasKept) {
      kept -= 1;
      reactor.unwatch(fd, descriptor.token);
    }
    watched.delete(fd);
    descriptor = new WatchedDescriptor(fd, waiter.interest);
    watched.set(fd, descriptor);
  } else if (wasKept) {
    kept -= 1;
  }
  descriptor.waiters.push(waiter);
  return descriptor;
}

/** Ends one wait of {@link watchDescriptor}. */
export function unwatchDescriptor(descriptor: WatchedDescriptor, waiter: DescriptorWaiter): void {
  const { waiters } = descriptor;
  const place = waiters.indexOf(waiter);
  if (place < 0) {
    return;
  }
  // In any order: each of them looks for itself.
  const last = waiters.pop() as DescriptorWaiter;
  if (waiters.length > 0) {
    if (last !== waiter) {
      waiters[place] = last;
    }
    return;
  }
  const isCurrent = watched.get(descriptor.fd) === descriptor;
  if (isCurrent && descriptor.tellsApart && descriptor.isOpen && !descriptor.isArmed && kept < MOST_KEPT) {
    kept += 1;
    return;
  }
  reactor.unwatch(descriptor.fd, descriptor.token);
  if (isCurrent) {
    watched.delete(descriptor.fd);
  }
}

export type { WatchedDescriptor };
