/** What a loop does about a hang-up, or an error, of a descriptor. */

import { followHandler, hasOwn } from '../dispatcher';
import { HANG_UP, PRIORITY, READABLE, WRITABLE, fast, native } from '../platform';
import { SystemError } from '../util';
import { type Member, slotOf } from './member';

/** Handles a hang-up or an error of a descriptor that is not readable, or that its channel did not want to read. */
export function onCondition(member: Member, flags: number): void {
  const { channel, fd } = member;
  if (member.interest === 0) {
    // It was reported before the channel lost its interest. If it still is so, it is reported again.
    return;
  }
  const event = slotOf(channel);
  if ((flags & HANG_UP) !== 0) {
    if (event !== undefined) {
      // Foreign code has closed the write side. Native code notes that, so as not to close the number again.
      fast.isEventSet(event);
    }
    // The end is handled after the last byte was read.
    member.hasHungUp = native.unreadBytes(fd) > 0;
    if (!member.hasHungUp) {
      followHandler(channel, channel.handleClose());
    }
  } else if (native.isWriteOnly(fd) === 1) {
    // The write side of a pipe has no hang-up: that its reader is gone is an error.
    followHandler(channel, channel.handleClose());
  } else if ((member.interest & READABLE) !== 0 || (flags & (WRITABLE | PRIORITY)) === 0) {
    onDescriptorError(member);
  }
  // Otherwise the handler that was called meets the error.
}

/** Makes a channel read the error of its descriptor: `recv()` throws it. */
function onDescriptorError({ channel, fd }: Member): void {
  if (hasOwn(channel, 'handleRead')) {
    followHandler(channel, channel.handleReadEvent());
    return;
  }
  const error = native.consumeError(fd);
  if (error > 0) {
    throw new SystemError(-error, 'read');
  }
  // Nothing else takes the error away, so the poller would report it forever.
  followHandler(channel, channel.handleClose());
}
