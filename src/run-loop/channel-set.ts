/** The channels of one run loop, and the kernel's poller that holds them. */

import { fstatSync } from 'node:fs';

import { os } from '../platform/lazy-builtins';
import { type Channel, isDisconnected } from '../dispatcher';
import { slot } from '../event';
import { SystemError } from '../util/errors';
import {
  ALARM,
  ENTRY_LENGTH,
  ERROR,
  HANG_UP,
  LAST_TOKEN,
  PRIORITY,
  READABLE,
  WRITABLE,
  check,
  fast,
  makeBatch,
  native,
} from '../platform/binding';
import { validateDescriptor } from '../util/validate';

/** How many ready channels one pass takes from the kernel; the rest comes in the next pass. */
const BATCH_ENTRIES = 256;

/** Closes the poller of a loop that was dropped. */
const dropped = new FinalizationRegistry<number>((poller) => native.closePoller(poller));

interface Member {
  readonly channel: Channel;
  readonly fd: number;
  readonly token: number;
  interest: number;
  /** Whether it is in the loop still. */
  isIn: boolean;
  /** What to leave the event's waiters with, when the channel is an event. */
  closingKey: number;
}

/** The number by which native code knows the event that `channel` is, if it is one: another thread may close it. */
function slotOf(channel: Channel): number | undefined {
  return (channel as Channel & { readonly [slot]?: number })[slot];
}

/**
 * Channels are asked what they want when they join, after their handlers ran and when {@link ChannelSet.update} says so, not in every
 * pass: a channel on which nothing happens costs a pass nothing.
 */
export class ChannelSet {
  #poller = -1;
  #batch: Int32Array | undefined;
  #nextToken = 1;
  readonly #members = new Map<number, Member>();
  readonly #byChannel = new Map<Channel, Member>();
  /** Who has a descriptor in the poller. A member whose descriptor was closed under it, and is another's now, has not. */
  readonly #byFileno = new Map<number, Member>();
  /** Regular files: no poller takes them, poll() has them always ready. */
  readonly #alwaysReady = new Set<Member>();
  #internal = 0;
  /** Whether the last batch was full: what is left in native code makes no kernel event. */
  #mayHaveMore = false;
  #watchesClock = false;

  /** How many there are, beside the loop's own. */
  get size(): number {
    return this.#members.size - this.#internal;
  }

  /** Makes the poller, unless there is one. Returns its number. */
  start(): number {
    if (this.#poller < 0) {
      this.#batch = makeBatch(BATCH_ENTRIES);
      this.#poller = check(native.createPoller(this.#batch), 'epoll_create1');
      dropped.register(this, this.#poller);
    }
    return this.#poller;
  }

  /** Has the poller be ready when somebody sets the wall clock. */
  watchClock(): void {
    if (!this.#watchesClock) {
      this.start();
      check(native.watchClock(this.#poller), 'timerfd_create');
      this.#watchesClock = true;
    }
  }

  /** Whether there is something to do now that no kernel event tells of: a regular file, the rest of a batch. */
  get hasAlwaysReady(): boolean {
    if (this.#mayHaveMore) {
      return true;
    }
    for (const member of this.#alwaysReady) {
      if (member.interest !== 0) {
        return true;
      }
    }
    return false;
  }

  has(channel: Channel): boolean {
    return this.#byChannel.has(channel);
  }

  /** Takes a channel in. An internal one is the loop's own and does not count. */
  add(channel: Channel, internal: boolean = false): void {
    if (this.#byChannel.has(channel)) {
      return;
    }
    this.start();
    const fd = validateDescriptor('channel.fileno()', channel.fileno());
    const member: Member = {
      channel,
      fd,
      token: this.#allocateToken(),
      interest: interestOf(channel),
      isIn: false,
      closingKey: -1,
    };
    this.#register(member);
    member.isIn = true;
    this.#members.set(member.token, member);
    this.#byChannel.set(channel, member);
    this.#internal += internal ? 1 : 0;
  }

  /** Takes a channel out; false when it was not in. */
  remove(channel: Channel, internal: boolean = false): boolean {
    const member = this.#byChannel.get(channel);
    if (member === undefined) {
      return false;
    }
    member.isIn = false;
    this.#internal -= internal ? 1 : 0;
    this.#byChannel.delete(channel);
    this.#members.delete(member.token);
    this.#alwaysReady.delete(member);
    if (member.closingKey >= 0) {
      native.unwatchClosing(this.#poller, member.token, slotOf(channel) ?? 0, member.closingKey);
    }
    if (this.#byFileno.get(member.fd) === member) {
      this.#byFileno.delete(member.fd);
      native.removeMember(this.#poller, member.fd, member.token);
    }
    return true;
  }

  /** Asks a channel anew what it wants. */
  update(channel: Channel): void {
    const member = this.#byChannel.get(channel);
    if (member !== undefined) {
      this.#refresh(member);
    }
  }

  /**
   * Calls the channels that are ready now, of those that the kernel reports in one batch. `isStale` when other code has run since the
   * reactor saw them ready.
   */
  dispatchReady(isStale: boolean): void {
    this.#dispatch(fast.takeReady(this.#poller, isStale ? 1 : 0));
  }

  /** Blocks until a channel is ready or `timeout` milliseconds have passed; then as {@link ChannelSet.dispatchReady}. */
  dispatchNext(timeout: number): void {
    this.#dispatch(fast.waitReady(this.#poller, this.hasAlwaysReady ? 0 : timeout));
  }

  #allocateToken(): number {
    let token: number;
    do {
      token = this.#nextToken;
      this.#nextToken = token === LAST_TOKEN ? 1 : token + 1;
    } while (this.#members.has(token));
    return token;
  }

  #register(member: Member): void {
    const { channel, fd, token, interest } = member;
    const result = native.addMember(this.#poller, fd, token, interest);
    if (result < 0 && result === -os().constants.errno.EPERM && isAlwaysReady(fd)) {
      this.#alwaysReady.add(member);
      return;
    }
    check(result, 'epoll_ctl');
    if (interest === 0) {
      native.removeMember(this.#poller, fd, token);
    } else {
      this.#byFileno.set(fd, member);
    }
    const event = slotOf(channel);
    if (event !== undefined) {
      member.closingKey = native.watchClosing(this.#poller, token, event, interest);
      if (member.closingKey < 0) {
        // Another thread has closed it since, and what was added may be somebody else's descriptor of the same number.
        if (this.#byFileno.delete(fd)) {
          native.removeMember(this.#poller, fd, token);
        }
        check(member.closingKey, 'join');
      }
    }
  }

  /** Calls what native code put into the batch, and the regular files. */
  #dispatch(filled: number): void {
    const count = check(filled, 'epoll_wait') & ~ALARM;
    this.#mayHaveMore = count === BATCH_ENTRIES;
    // Copies: a handler may make a pass of its own, and change who is in.
    const batch = count === 0 ? [] : copyOf(this.#batch as Int32Array, ENTRY_LENGTH * count);
    const files = this.#alwaysReady.size === 0 ? [] : [...this.#alwaysReady];
    for (let index = 0; index < count; index += 1) {
      // Looked up now: a channel that an earlier one closed is not called, nor is a new one with the same descriptor.
      const member = this.#members.get(batch[ENTRY_LENGTH * index] as number);
      if (member !== undefined) {
        this.#call(member, batch[ENTRY_LENGTH * index + 1] as number);
      }
    }
    for (const member of files) {
      const ready = member.interest & (READABLE | WRITABLE);
      if (ready !== 0 && member.isIn) {
        this.#call(member, ready);
      }
    }
  }

  #call(member: Member, flags: number): void {
    const { channel } = member;
    try {
      if ((flags & READABLE) !== 0) {
        channel.handleReadEvent();
      }
      if ((flags & WRITABLE) !== 0 && member.isIn) {
        channel.handleWriteEvent();
      }
      if ((flags & PRIORITY) !== 0 && member.isIn) {
        channel.handleExptEvent();
      }
      // While there is something to read, the end waits. No flags at all: another thread closed the event.
      const ended = flags === 0 || ((flags & (HANG_UP | ERROR)) !== 0 && (flags & READABLE) === 0);
      if (ended && member.isIn) {
        channel.handleClose();
      }
    } catch (error) {
      this.#onHandlerError(channel, error);
    }
    try {
      if (member.isIn) {
        this.#refresh(member);
      }
    } catch (error) {
      this.#onHandlerError(channel, error);
    }
  }

  #onHandlerError(channel: Channel, error: unknown): void {
    try {
      if (isDisconnected(error)) {
        channel.handleClose();
      } else {
        channel.handleError(error);
      }
    } catch (second) {
      console.error(`uncaptured exception while closing channel ${channel.constructor.name}`, second);
      channel.delChannel();
    }
  }

  #refresh(member: Member): void {
    const { fd, token, interest: before } = member;
    const interest = interestOf(member.channel);
    if (interest === before) {
      return;
    }
    member.interest = interest;
    if (this.#alwaysReady.has(member)) {
      return;
    }
    // Who wants nothing is not in the poller, as in asyncore: a hang-up would be reported anyway, before the last byte.
    if (before === 0) {
      check(native.addMember(this.#poller, fd, token, interest), 'epoll_ctl');
      this.#byFileno.set(fd, member);
    } else if (this.#byFileno.get(fd) === member) {
      if (interest === 0) {
        this.#byFileno.delete(fd);
        native.removeMember(this.#poller, fd, token);
      } else {
        check(native.modifyMember(this.#poller, fd, token, interest), 'epoll_ctl');
      }
    }
  }
}

/** The first numbers of a batch. (slice() makes a typed array, which is dearer than a loop: 5 % of an event's cost.) */
function copyOf(batch: Int32Array, length: number): number[] {
  const copy: number[] = [];
  for (let index = 0; index < length; index += 1) {
    copy.push(batch[index] as number);
  }
  return copy;
}

/** As asyncore: whoever reads also hears of exceptional conditions. */
function interestOf(channel: Channel): number {
  return (channel.readable() ? READABLE | PRIORITY : 0) | (channel.writable() ? WRITABLE : 0);
}

/** Whether the descriptor, which epoll refuses, is one that poll() has always ready: a file, /dev/null. Not a directory. */
function isAlwaysReady(fd: number): boolean {
  if (fstatSync(fd).isDirectory()) {
    throw new SystemError(-os().constants.errno.EISDIR, 'epoll_ctl');
  }
  return true;
}
