/** Finds a channel that is ready in pass after pass, and does nothing about that: its loop cannot sleep. */

import { type Channel, activity, hasOwn } from '../dispatcher';
import { PRIORITY, READABLE, WRITABLE, native, report } from '../platform';
import type { Member } from './member';

/** How many passes running a channel may be ready without a read, write or clear before that is reported. */
const IDLE_PASSES = 1000;

/** In how many further passes it must have left the unread bytes as they were. */
const IDLE_LOOKS = 50;

/**
 * Counts the passes running in which a channel was ready without effect. Returns the number of its unread bytes when
 * they must be compared after its handlers have run.
 */
export function noteReady(member: Member, flags: number, pass: number): number | undefined {
  const count = (member.channel as Channel & { readonly [activity]?: number })[activity] ?? 0;
  const isIdle = member.lastPass === pass - 1 && member.lastActivity === count;
  member.lastPass = pass;
  member.lastActivity = count;
  member.idlePasses = isIdle ? member.idlePasses + 1 : 0;
  return member.idlePasses < IDLE_PASSES || flags === 0 ? undefined : native.unreadBytes(member.fd);
}

/** Reports a channel that has been ready for long, and does nothing about that. */
export function checkIdle(member: Member, flags: number, unreadBefore: number): void {
  const { channel } = member;
  if (isBusy(member, flags, unreadBefore)) {
    member.idlePasses = 0;
  } else if (member.idlePasses === IDLE_PASSES + IDLE_LOOKS) {
    report(
      `warning: the channel ${channel.constructor.name} was ready in ${member.idlePasses} passes running, ` +
        'and nothing was read, written or cleared: the loop cannot sleep',
    );
    // It is reported once.
    member.idlePasses = Number.NEGATIVE_INFINITY;
  }
}

/**
 * Returns whether the handlers of a channel may have done something about its readiness, as far as that can be told:
 * they have read, or are those of a program that reads and writes without this package.
 */
function isBusy({ channel, fd, lastActivity }: Member, flags: number, unreadBefore: number): boolean {
  const count = (channel as Channel & { readonly [activity]?: number })[activity];
  if (count !== undefined && count !== lastActivity) {
    return true;
  }
  if ((flags & READABLE) !== 0 && unreadBefore >= 0) {
    return native.unreadBytes(fd) !== unreadBefore;
  }
  const handler = (flags & WRITABLE) !== 0 ? 'handleWrite' : (flags & PRIORITY) !== 0 ? 'handleExpt' : 'handleRead';
  return count === undefined && hasOwn(channel, handler);
}
