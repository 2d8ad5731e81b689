/** The channels of one run loop, and the kernel's poller that holds them. */

import { fstatSync } from 'node:fs';

import { type Channel, isDisconnected } from '../dispatcher';
import { slot } from '../event';
import {
  ALARM,
  ENTRY_LENGTH,
  ERROR,
  HANG_UP,
  LAST_TOKEN,
  PRIORITY,
  READABLE,
  STATUS_CLOSED,
  WRITABLE,
  check,
  fast,
  makeBatch,
  native,
  os,
} from '../platform';
import { SystemError, validateDescriptor } from '../util';

/** How many ready channels one pass reads from the kernel. The next pass reads the rest. */
const BATCH_ENTRIES = 256;

/** Closes the poller of a loop that was dropped. */
const dropped = new FinalizationRegistry<number>((poller) => native.closePoller(poller));

/** A channel of the loop. */
interface Member {
  readonly channel: Channel;
  readonly fd: number;
  readonly token: number;
  interest: number;
  /** Whether the channel is still in the loop. */
  isIn: boolean;
  /** Whether the channel is an event that is in the poller. */
  isPolledEvent: boolean;
  /** The key that ends the watch for the event's close, when the channel is an event; otherwise negative. */
  closingKey: number;
}

/**
 * Returns the number by which native code knows the event that `channel` is, if it is one. Another thread may close an
 * event.
 */
function slotOf(channel: Channel): number | undefined {
  return (channel as Channel & { readonly [slot]?: number })[slot];
}

/**
 * Holds the channels of one run loop, and calls their handlers when they are ready.
 *
 * A channel is asked for its interest when it joins, after its handlers have run, and in {@link ChannelSet.update}. It
 * is not asked in every pass, so a channel on which nothing happens costs a pass nothing.
 */
export class ChannelSet {
  #poller = -1;
  #batch: Int32Array | undefined;
  #nextToken = 1;
  readonly #members = new Map<number, Member>();
  readonly #byChannel = new Map<Channel, Member>();
  /**
   * The member of each descriptor in the poller. A member whose descriptor was closed, and now belongs to another one,
   * is not here.
   */
  readonly #byFileno = new Map<number, Member>();
  /** The regular files: no poller accepts them, and poll() reports them as always ready. */
  readonly #alwaysReady = new Set<Member>();
  #internal = 0;
  /** Whether the last batch was full. What is left in native code causes no kernel event. */
  #mayHaveMore = false;
  #watchesClock = false;

  /** Returns the number of channels, without the loop's own. */
  get size(): number {
    return this.#members.size - this.#internal;
  }

  /** Makes the poller, unless it exists. Returns its number. */
  start(): number {
    if (this.#poller < 0) {
      this.#batch = makeBatch(BATCH_ENTRIES);
      this.#poller = check(native.createPoller(this.#batch), 'epoll_create1');
      dropped.register(this, this.#poller);
    }
    return this.#poller;
  }

  /** Makes the poller ready whenever the wall clock is set. */
  watchClock(): void {
    if (!this.#watchesClock) {
      this.start();
      check(native.watchClock(this.#poller), 'timerfd_create');
      this.#watchesClock = true;
    }
  }

  /** Returns whether there is work that causes no kernel event: a regular file, or the rest of a batch. */
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

  /** Adds a channel. An internal one is the loop's own, and does not count. */
  add(channel: Channel, internal: boolean = false): void {
    if (this.#byChannel.has(channel)) {
      return;
    }
    const fd = validateDescriptor('channel.fileno()', channel.fileno());
    if (this.#poller < 0 && slotOf(channel) === undefined) {
      // Otherwise a descriptor of the poller could get this number, if it is not open.
      check(native.checkDescriptor(fd), 'epoll_ctl');
    }
    this.start();
    const member: Member = {
      channel,
      fd,
      token: this.#allocateToken(),
      interest: interestOf(channel),
      isIn: false,
      isPolledEvent: false,
      closingKey: -1,
    };
    this.#register(member);
    member.isIn = true;
    this.#members.set(member.token, member);
    this.#byChannel.set(channel, member);
    this.#internal += internal ? 1 : 0;
  }

  /** Removes a channel. Returns false when it was not in the set. */
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
    this.#leavePoller(member);
    return true;
  }

  /** Asks a channel for its interest again. */
  update(channel: Channel): void {
    const member = this.#byChannel.get(channel);
    if (member !== undefined) {
      this.#refresh(member);
    }
  }

  /**
   * Calls the handlers of the channels that are ready now, as far as the kernel reports them in one batch. `isStale`
   * says that other code has run since the reactor found them ready.
   */
  dispatchReady(isStale: boolean): void {
    this.#dispatch(fast.takeReady(this.#poller, isStale ? 1 : 0));
  }

  /**
   * Blocks until a channel is ready or `timeout` milliseconds have passed. Then it calls handlers as
   * {@link ChannelSet.dispatchReady} does.
   */
  dispatchNext(timeout: number): void {
    this.#dispatch(fast.waitReady(this.#poller, this.hasAlwaysReady ? 0 : timeout));
  }

  /** Returns a token that no channel in the set has. */
  #allocateToken(): number {
    let token: number;
    do {
      token = this.#nextToken;
      this.#nextToken = token === LAST_TOKEN ? 1 : token + 1;
    } while (this.#members.has(token));
    return token;
  }

  /** Adds a channel to the poller or, for a regular file, to the files. An event is also watched for its close. */
  #register(member: Member): void {
    const { channel, fd, token, interest } = member;
    const event = slotOf(channel);
    if (event !== undefined) {
      // First: whenever another thread closes the event from now on, the poller reports it.
      member.closingKey = check(native.watchClosing(this.#poller, token, event, interest), 'join');
    }
    const result = this.#enterPoller(member);
    if (result < 0 && result === -os().constants.errno.EPERM && isAlwaysReady(fd)) {
      this.#alwaysReady.add(member);
      return;
    }
    if (result < 0 && event !== undefined) {
      native.unwatchClosing(this.#poller, token, event, member.closingKey);
    }
    check(result, 'epoll_ctl');
    if (interest === 0) {
      this.#leavePoller(member);
    }
  }

  /** Adds a member to the poller. Returns a status. */
  #enterPoller(member: Member): number {
    const { channel, fd, token, interest } = member;
    const event = slotOf(channel);
    const result =
      event === undefined
        ? native.addMember(this.#poller, fd, token, interest)
        : native.addEventMember(this.#poller, token, event, interest);
    if (result >= 0) {
      if (event === undefined) {
        this.#byFileno.set(fd, member);
      } else {
        member.isPolledEvent = true;
      }
    }
    return result;
  }

  /** Removes a member from the poller, if it is in there. */
  #leavePoller(member: Member): void {
    const { fd, token } = member;
    if (this.#isPolled(member)) {
      if (member.isPolledEvent) {
        member.isPolledEvent = false;
      } else {
        this.#byFileno.delete(fd);
      }
      native.removeMember(this.#poller, fd, token);
    }
  }

  #isPolled(member: Member): boolean {
    return member.isPolledEvent || this.#byFileno.get(member.fd) === member;
  }

  /** Calls the handlers of the channels in the batch, and of the regular files. */
  #dispatch(filled: number): void {
    const count = check(filled, 'epoll_wait') & ~ALARM;
    this.#mayHaveMore = count === BATCH_ENTRIES;
    // Both lists are copied: a handler may make a pass of its own, and may add or remove channels.
    const batch = count === 0 ? [] : copyOf(this.#batch as Int32Array, ENTRY_LENGTH * count);
    const files = this.#alwaysReady.size === 0 ? [] : [...this.#alwaysReady];
    for (let index = 0; index < count; index += 1) {
      // The lookup comes last, by token: neither a channel that an earlier handler closed is called, nor a new one with
      // its descriptor.
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

  /** Calls the handlers of one ready channel, and asks it for its interest. */
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
      // The end is handled after the last byte was read. No flags at all mean that another thread has closed the event.
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

  /** Passes what a handler threw to the channel. A channel whose error handling throws leaves the loop. */
  #onHandlerError(channel: Channel, error: unknown): void {
    try {
      if (isDisconnected(error)) {
        channel.handleClose();
      } else {
        channel.handleError(error);
      }
    } catch (second) {
      console.error(`uncaught exception while closing the channel ${channel.constructor.name}`, second);
      channel.delChannel();
    }
  }

  /** Asks a channel for its interest, and tells the poller when it has changed. */
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
    // A channel without interest is not in the poller, as in asyncore: the poller would report a hang-up even before
    // the last byte.
    if (before === 0) {
      const result = this.#enterPoller(member);
      // The report of an event that another thread has closed is under way.
      if (result !== STATUS_CLOSED) {
        check(result, 'epoll_ctl');
      }
    } else if (this.#isPolled(member)) {
      if (interest === 0) {
        this.#leavePoller(member);
      } else {
        check(native.modifyMember(this.#poller, fd, token, interest), 'epoll_ctl');
      }
    }
  }
}

/**
 * Returns the first numbers of a batch. (slice() makes a typed array, which costs more than a loop: 5 % of an event's
 * cost.)
 */
function copyOf(batch: Int32Array, length: number): number[] {
  const copy: number[] = [];
  for (let index = 0; index < length; index += 1) {
    copy.push(batch[index] as number);
  }
  return copy;
}

/**
 * Returns the conditions that a channel asks for. As in asyncore, a channel that reads also gets exceptional
 * conditions.
 */
function interestOf(channel: Channel): number {
  return (channel.readable() ? READABLE | PRIORITY : 0) | (channel.writable() ? WRITABLE : 0);
}

/**
 * Returns whether a descriptor that epoll refuses is one that poll() reports as always ready: a file, or /dev/null.
 * Throws `EISDIR` for a directory.
 */
function isAlwaysReady(fd: number): boolean {
  if (fstatSync(fd).isDirectory()) {
    throw new SystemError(-os().constants.errno.EISDIR, 'epoll_ctl');
  }
  return true;
}
