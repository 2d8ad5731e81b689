/** A member of a run loop: one channel, and what the loop knows of it. */

import { type Channel, Dispatcher, hasOwn } from '../dispatcher';
import { slot } from '../event';
import { PRIORITY, READABLE, WRITABLE } from '../platform';

/** A channel of the loop. */
export interface Member {
  readonly channel: Channel;
  readonly fd: number;
  readonly token: number;
  interest: number;
  /** Whether the channel is still in the loop. */
  isIn: boolean;
  /** Whether the channel is an event that is in the poller. */
  isPolledEvent: boolean;
  /** Whether the peer hung up, and there are bytes that the channel did not want to read yet. */
  hasHungUp: boolean;
  /** The last pass in which the channel was ready, and how many passes running that was without effect. */
  lastPass: number;
  idlePasses: number;
  /** The channel's count of reads, writes and clears at that time. */
  lastActivity: number;
  /** The key that ends the watch for the event's close, when the channel is an event; otherwise negative. */
  closingKey: number;
  /** Whether the channel was called because another thread has closed its event. */
  knowsOfClose: boolean;
}

/**
 * Returns the number by which native code knows the event that `channel` is, if it is one. Another thread may close an
 * event.
 */
export function slotOf(channel: Channel): number | undefined {
  return (channel as Channel & { readonly [slot]?: number })[slot];
}

/**
 * Returns the conditions that a channel asks for. As in asyncore, a channel that reads also gets exceptional
 * conditions. One that does not read, and has a handler of its own for them, gets these alone.
 */
export function interestOf(channel: Channel): number {
  const isReadable = channel.readable();
  const isWritable = channel.writable();
  const wantsPriority = isReadable || (channel instanceof Dispatcher && hasOwn(channel, 'handleExpt'));
  return (isReadable ? READABLE : 0) | (isWritable ? WRITABLE : 0) | (wantsPriority ? PRIORITY : 0);
}
