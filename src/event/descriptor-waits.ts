/**
 * The descriptors that the `selectAsync()` calls of this thread wait for.
 *
 * Each descriptor is in the reactor once, for all the calls that wait for it: the kernel limits in how many epolls a
 * descriptor may be. The kernel reports it once and then waits to be asked again, so that a descriptor that was closed
 * without a word cannot be reported forever.
 */

import { ERROR, HANG_UP, check, reactor } from '../platform';

/** One call that waits for one descriptor. */
export interface DescriptorWaiter {
  /** The flags that end the wait. */
  readonly mask: number;
  /** Is called when the descriptor had one of them. The waiter stays until {@link unwatchDescriptor}. */
  readonly onReady: () => void;
  /** Is called when the kernel refuses the poll. */
  readonly onFailure: (error: Error) => void;
}

class WatchedDescriptor {
  readonly fd: number;
  readonly token: number;
  /** The waiters, with what each is interested in. */
  readonly waiters: Map<DescriptorWaiter, number> = new Map();
  /** Whether the number is still the descriptor that was watched, as far as is known. */
  isOpen: boolean = true;

  constructor(fd: number, interest: number) {
    this.fd = fd;
    this.token = check(
      reactor.watch(fd, interest, {
        onReady: (flags) => this.#onReady(flags),
        onFailure: (error) => this.waiters.forEach((_interest, waiter) => waiter.onFailure(error)),
      }),
      'epoll_ctl',
    );
  }

  /** Has the kernel report it once more. Returns false when the number is another descriptor, or none. */
  rearm(interest: number): boolean {
    this.isOpen = this.isOpen && reactor.rearm(this.fd, this.token, interest) >= 0;
    return this.isOpen;
  }

  get interest(): number {
    let interest = 0;
    this.waiters.forEach((flags) => (interest |= flags));
    return interest;
  }

  #onReady(flags: number): void {
    // A waiter leaves the map when it is called, which does not disturb the loop.
    for (const waiter of this.waiters.keys()) {
      if ((flags & waiter.mask) !== 0) {
        waiter.onReady();
      }
    }
    // Those that stay found that another thread was faster, or they do not wait for what has happened. A hang-up and an
    // error last: the kernel would report them again and again.
    if (this.waiters.size > 0 && (flags & (HANG_UP | ERROR)) === 0) {
      this.rearm(this.interest);
    }
  }
}

/** By number. One whose number is another descriptor by now is not in it any more. */
const watched = new Map<number, WatchedDescriptor>();

/**
 * Calls `waiter` when `fd` is ready for `interest`, hangs up or has an error. Returns what {@link unwatchDescriptor}
 * needs.
 */
export function watchDescriptor(fd: number, interest: number, waiter: DescriptorWaiter): WatchedDescriptor {
  let descriptor = watched.get(fd);
  // Asks the kernel in any case: it alone knows whether the number is the same descriptor.
  if (descriptor === undefined || !descriptor.rearm(descriptor.interest | interest)) {
    watched.delete(fd);
    descriptor = new WatchedDescriptor(fd, interest);
    watched.set(fd, descriptor);
  }
  descriptor.waiters.set(waiter, interest);
  return descriptor;
}

/** Ends one wait of {@link watchDescriptor}. */
export function unwatchDescriptor(descriptor: WatchedDescriptor, waiter: DescriptorWaiter): void {
  if (descriptor.waiters.delete(waiter) && descriptor.waiters.size === 0) {
    reactor.unwatch(descriptor.fd, descriptor.token);
    if (watched.get(descriptor.fd) === descriptor) {
      watched.delete(descriptor.fd);
    }
  }
}

export type { WatchedDescriptor };
