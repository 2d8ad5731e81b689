/** The channels of one run loop, and the kernel's poller that holds them. */

import { type Channel, followHandler, memberFileno, onHandlerError } from '../dispatcher';
import {
  ALARM,
  ENTRY_LENGTH,
  LAST_TOKEN,
  PRIORITY,
  READABLE,
  STATUS_CLOSED,
  WRITABLE,
  check,
  fast,
  makeBatch,
  native,
  errno,
} from '../platform';
import { SystemError, validateDescriptor } from '../util';
import { onCondition } from './conditions';
import { checkIdle, noteReady } from './idle-watch';
import { type Member, interestOf, slotOf } from './member';

/** How many ready channels one pass reads from the kernel. The next pass reads the rest. */
const BATCH_ENTRIES = 256;

/** The regular files of a loop that has none. */
const NO_MEMBERS: readonly Member[] = [];
/** No channel has it. */
const NO_TOKEN = 0;

/** Closes the poller of a loop that was dropped. */
const dropped = new FinalizationRegistry<number>((poller) => native.closePoller(poller));

/**
 * Holds the channels of one run loop, and calls their handlers when they are ready.
 *
 * A channel is asked for its interest before the first sleep or pass after it has joined, after its handlers have run,
 * and in {@link ChannelSet.update}. It is not asked in every pass, so a channel on which nothing happens costs a pass
 * nothing. It is not asked when it joins, because that is often within the constructor of its base class.
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
  /** The channels that have joined and were not asked yet. */
  readonly #unasked = new Set<Member>();
  #internal = 0;
  /** Whether the last batch was full. What is left in native code causes no kernel event. */
  #mayHaveMore = false;
  /** The token of the channel with whose error the last pass ended. */
  #unlucky = NO_TOKEN;
  /** Whether a pass has begun and has not ended. An error may have ended it, or a timeout of `node:vm`. */
  #isUnfinished = false;
  #watchesClock = false;
  #pass = 0;

  /** Returns the number of channels, without the loop's own. */
  get size(): number {
    return this.#members.size - this.#internal;
  }

  /** Makes the poller, unless it exists. Returns its number. */
  start(): number {
    if (this.#poller < 0) {
      this.#batch = makeBatch(BATCH_ENTRIES);
      this.#poller = check(native.createPoller(this.#batch), 'epoll_create1');
      dropped.register(this, this.#poller, this);
    }
    return this.#poller;
  }

  /** Removes all channels, and closes the poller. Returns the channels that a program has added. */
  close(): Channel[] {
    const members = [...this.#members.values()];
    members.forEach(({ channel }) => this.remove(channel));
    this.#internal = 0;
    if (this.#poller >= 0) {
      dropped.unregister(this);
      native.closePoller(this.#poller);
      this.#poller = -1;
      this.#watchesClock = false;
      this.#mayHaveMore = false;
    }
    return members.map(({ channel }) => channel);
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
    if (this.#mayHaveMore || this.#alwaysReady.size === 0) {
      return this.#mayHaveMore;
    }
    for (const member of this.#alwaysReady) {
      if ((member.interest & (READABLE | WRITABLE)) !== 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * Adds a channel. An internal one is the loop's own, and does not count. A channel that is in the set already, and
   * has another descriptor since, is added again.
   */
  add(channel: Channel, internal: boolean = false): void {
    const fd = validateDescriptor('channel.fileno()', memberFileno(channel));
    const present = this.#byChannel.get(channel);
    if (present !== undefined) {
      if (this.#isRegistered(present, fd)) {
        return;
      }
      this.remove(channel, internal);
    }
    if (this.#poller < 0 && slotOf(channel) === undefined) {
      // Otherwise a descriptor of the poller could get this number, if it is not open.
      check(native.checkDescriptor(fd), 'epoll_ctl');
    }
    this.start();
    const member: Member = {
      channel,
      fd,
      token: this.#allocateToken(),
      interest: internal ? interestOf(channel) : 0,
      isIn: false,
      isPolledEvent: false,
      hasHungUp: false,
      lastPass: -1,
      idlePasses: 0,
      lastActivity: 0,
      closingKey: -1,
      knowsOfClose: false,
    };
    this.#register(member);
    if (!internal) {
      this.#unasked.add(member);
    }
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
    this.#unasked.delete(member);
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

  /** Asks the channels that have joined since the last call for their interest. */
  askNew(): void {
    // Each pass calls this, and an iterator over nothing costs more than a look.
    if (this.#unasked.size > 0) {
      this.#unasked.forEach((member) => this.#ask(member));
    }
  }

  /**
   * Calls the handlers of the channels that are ready now, as far as the kernel reports them in one batch. `isStale`
   * says that other code has run since the reactor found them ready.
   */
  dispatchReady(isStale: boolean): void {
    this.askNew();
    if (this.#poller >= 0) {
      this.#dispatch(fast.takeReady(this.#poller, isStale ? 1 : 0));
    }
  }

  /**
   * Blocks until a channel is ready or `timeout` milliseconds have passed. Then it calls handlers as
   * {@link ChannelSet.dispatchReady} does.
   */
  dispatchNext(timeout: number): void {
    this.askNew();
    if (this.#poller >= 0) {
      this.#dispatch(fast.waitReady(this.#poller, this.hasAlwaysReady ? 0 : timeout));
    }
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
    if (result < 0 && result === -errno().EPERM && isAlwaysReady(fd)) {
      this.#alwaysReady.add(member);
      return;
    }
    if (result < 0 && event !== undefined) {
      native.unwatchClosing(this.#poller, token, event, member.closingKey);
    }
    check(result, 'epoll_ctl');
    // A new channel stays in the poller without interest, until it is asked.
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

  /** Returns whether a member's descriptor is `fd`, and is still in the poller, if it was ever put there. */
  #isRegistered(member: Member, fd: number): boolean {
    if (member.fd !== fd) {
      return false;
    }
    // A number that was closed and belongs to a new file is not in the poller: the kernel has removed the old file.
    return (
      this.#byFileno.get(fd) !== member || native.modifyMember(this.#poller, fd, member.token, member.interest) === 0
    );
  }

  /** Calls the handlers of the channels in the batch, and of the regular files. */
  #dispatch(filled: number): void {
    this.#pass += 1;
    const count = check(filled, 'epoll_wait') & ~ALARM;
    this.#mayHaveMore = count === BATCH_ENTRIES;
    // Both lists are copied: a handler may make a pass of its own, and may add or remove channels.
    const files = this.#alwaysReady.size === 0 ? NO_MEMBERS : [...this.#alwaysReady];
    const filledBatch = this.#batch as Int32Array;
    let called = NO_TOKEN;
    let isOver = false;
    const mayHaveLost = this.#isUnfinished;
    this.#isUnfinished = true;
    try {
      if (mayHaveLost) {
        this.#callClosed();
      }
      if (this.#unlucky !== NO_TOKEN) {
        for (const [token, call] of this.#othersFirst(copyOf(filledBatch, ENTRY_LENGTH * count), files)) {
          called = token;
          call();
        }
      } else {
        if (count === 1) {
          called = filledBatch[0] as number;
          this.#callByToken(called, filledBatch[1] as number);
        } else if (count > 1) {
          const batch = copyOf(filledBatch, ENTRY_LENGTH * count);
          for (let index = 0; index < batch.length; index += ENTRY_LENGTH) {
            called = batch[index] as number;
            this.#callByToken(called, batch[index + 1] as number);
          }
        }
        for (const member of files) {
          called = member.token;
          this.#callFile(member);
        }
      }
      isOver = true;
      this.#isUnfinished = false;
    } finally {
      this.#unlucky = isOver ? NO_TOKEN : called;
    }
  }

  /** Calls the channels whose events another thread has closed: a pass that did not end may have had their reports. */
  #callClosed(): void {
    for (const member of Array.from(this.#members.values())) {
      const event = member.closingKey < 0 || member.knowsOfClose ? undefined : slotOf(member.channel);
      if (event !== undefined && member.isIn && fast.isEventSet(event) === STATUS_CLOSED) {
        this.#call(member, 0);
      }
    }
  }

  /**
   * Returns the calls of a pass after one that ended with an error of a channel: what comes after that channel is
   * first. If it fails in every pass, the others have their turn all the same.
   */
  #othersFirst(batch: number[], files: readonly Member[]): [token: number, call: () => void][] {
    const calls: [number, () => void][] = [];
    for (let index = 0; index < batch.length; index += ENTRY_LENGTH) {
      const [token, flags] = [batch[index] as number, batch[index + 1] as number];
      calls.push([token, () => this.#callByToken(token, flags)]);
    }
    calls.push(...files.map((member): [number, () => void] => [member.token, () => this.#callFile(member)]));
    const next = calls.findIndex(([token]) => token === this.#unlucky) + 1;
    return [...calls.slice(next), ...calls.slice(0, next)];
  }

  /** Calls the handlers of a regular file, which is ready for whatever it wants. */
  #callFile(member: Member): void {
    const ready = member.interest & (READABLE | WRITABLE);
    if (ready !== 0 && member.isIn) {
      this.#call(member, ready);
    }
  }

  /**
   * Calls the handlers of the channel with a token, if it is still in the set. So neither a channel that an earlier
   * handler closed is called, nor a new one with its descriptor.
   */
  #callByToken(token: number, flags: number): void {
    // `| 0` tells V8 that it is an integer, which a Map finds without a call: 8 ns less.
    const member = this.#members.get(token | 0);
    if (member !== undefined) {
      this.#call(member, flags);
    }
  }

  /** Calls the handlers of one ready channel, and asks it for its interest. */
  #call(member: Member, flags: number): void {
    const { channel } = member;
    if (flags === 0) {
      // The report comes once, and may be found before it arrives.
      if (member.knowsOfClose) {
        return;
      }
      member.knowsOfClose = true;
    }
    const unread = noteReady(member, flags, this.#pass);
    try {
      if ((flags & READABLE) !== 0) {
        followHandler(channel, channel.handleReadEvent());
      }
      if ((flags & WRITABLE) !== 0 && member.isIn) {
        followHandler(channel, channel.handleWriteEvent());
      }
      if ((flags & PRIORITY) !== 0 && member.isIn) {
        followHandler(channel, channel.handleExptEvent());
      }
      if ((flags & READABLE) === 0 && (flags & (WRITABLE | PRIORITY)) !== flags && member.isIn) {
        onCondition(member, flags);
      } else if (flags === 0 && member.isIn) {
        // No flags at all mean that another thread has closed the event.
        followHandler(channel, channel.handleClose());
      }
    } catch (error) {
      onHandlerError(channel, error);
    }
    if (member.isIn) {
      this.#ask(member);
    }
    if (unread !== undefined && member.isIn) {
      checkIdle(member, flags, unread);
    }
  }

  /** Asks a channel for its interest. What it throws is an error of its handlers. */
  #ask(member: Member): void {
    try {
      this.#refresh(member);
    } catch (error) {
      onHandlerError(member.channel, error);
    }
  }

  /** Asks a channel for its interest, and tells the poller when it has changed. */
  #refresh(member: Member): void {
    const { fd, token, interest: before } = member;
    const isNew = this.#unasked.size > 0 && this.#unasked.delete(member);
    const wanted = interestOf(member.channel);
    // A hang-up is reported whatever the interest is. Until the channel reads or writes, it is out of the poller.
    const interest = member.hasHungUp && (wanted & (READABLE | WRITABLE)) === 0 ? 0 : wanted;
    if (interest === before && !isNew) {
      return;
    }
    member.interest = interest;
    if (this.#alwaysReady.has(member)) {
      return;
    }
    // A channel without interest is not in the poller, as in asyncore: the poller would report a hang-up even before
    // the last byte.
    if (before === 0 && !isNew) {
      const result = this.#enterPoller(member);
      // The report of an event that another thread has closed is under way.
      if (result !== STATUS_CLOSED) {
        check(result, 'epoll_ctl');
      }
    } else if (this.#isPolled(member)) {
      if (interest === 0) {
        this.#leavePoller(member);
      } else {
        const result = native.modifyMember(this.#poller, fd, token, interest);
        // A descriptor that was closed before the first question reports nothing, as one that is closed later. The
        // report of an event that another thread has closed is under way.
        if (result >= 0 || !(isNew || member.isPolledEvent) || !isGone(result)) {
          check(result, 'epoll_ctl');
        }
      }
    }
  }
}

/** Returns whether a status says that the descriptor is not open any more, or has left the poller. */
function isGone(status: number): boolean {
  const { EBADF, ENOENT } = errno();
  return status === STATUS_CLOSED || status === -EBADF || status === -ENOENT;
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
 * Returns whether a descriptor that epoll refuses is one that poll() reports as always ready: a file, or /dev/null.
 * Throws `EISDIR` for a directory.
 */
function isAlwaysReady(fd: number): boolean {
  // Not by node:fs: Deno's knows only descriptors that it has opened itself.
  if (check(native.isDirectory(fd), 'fstat') === 1) {
    throw new SystemError(-errno().EISDIR, 'epoll_ctl');
  }
  return true;
}
