/** The interfaces by which a task manager and its loop know each other. */

import type { Channel, Loop } from '../dispatcher';
import type { LoopClock } from '../virtual-time';

/** What a loop calls on its task managers. */
export interface TaskSource {
  /** Returns when the next task is due, on the monotonic clock; `Infinity` when there is none. */
  nextDue(): number;
  /** Runs what is due now. Returns whether anything was. */
  runDue(): boolean;
  /** Prepares for the sleep that the loop is about to begin. Returns false when there is work to do first. */
  beforeSleep(): boolean;
  /** Makes a channel ready for what other threads send, because no pass will poll their queues. */
  listen(): void;
  /** Learns that a run of the loop has ended. */
  onStop(): void;
  /** Ends with the loop, which is being closed. */
  close?(): void;
}

/** What a task manager calls on its loop. */
export interface TaskHost {
  /** The clock of all managers of the loop. */
  readonly clock: LoopClock;
  /** Adds a manager. */
  attach(source: TaskSource): void;
  /** Removes a manager. */
  detach(source: TaskSource): void;
  /**
   * Arranges a pass soon, because something is due sooner than the loop knows. Node cannot sleep before that pass, and
   * the end of the pass sets the alarm once, however often this was called.
   */
  requestPass(): void;
  /** Makes the loop run a pass when the wall clock is set. */
  watchClock(): void;
  /** Adds a channel of the loop's own, which does not count as a member. */
  addInternal(channel: Channel): void;
  /** Removes such a channel. */
  removeInternal(channel: Channel): void;
}

/** The key of a loop's {@link TaskHost}. It is a symbol because a subclass may use any name. */
export const loopHost: unique symbol = Symbol('loopHost');

/** Returns the host of `loop`. */
export function hostOf(loop: Loop): TaskHost {
  return (loop as Loop & { readonly [loopHost]: TaskHost })[loopHost];
}
