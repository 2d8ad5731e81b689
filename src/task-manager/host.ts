/** What a task manager and the loop that runs its tasks know of each other. */

import type { Channel, Loop } from '../dispatcher';
import type { LoopClock } from '../virtual-time';

/** What a loop asks and tells its task managers. */
export interface TaskSource {
  /** Returns when the next task is due, on the monotonic clock; `Infinity` for never. */
  nextDue(): number;
  /** Runs what is due now, and returns whether something was. */
  runDue(): boolean;
  /** Learns that the loop is about to sleep; returns false when there is something to do first. */
  beforeSleep(): boolean;
  /** Learns that no pass will look for what other threads send: a channel has to become ready for it. */
  listen(): void;
}

/** What a task manager needs of its loop. */
export interface TaskHost {
  /** The clock of all managers of the loop. */
  readonly clock: LoopClock;
  /** Adds a manager. */
  attach(source: TaskSource): void;
  /** Removes a manager. */
  detach(source: TaskSource): void;
  /**
   * Arranges for a pass soon: something is due sooner than the loop knows. Node cannot sleep before that pass, whose end sets the alarm
   * once, however often this was called.
   */
  requestPass(): void;
  /** Makes the loop run a pass when the wall clock is set. */
  watchClock(): void;
  /** Adds a channel of the loop's own, which does not count as a member. */
  addInternal(channel: Channel): void;
  /** Removes such a channel. */
  removeInternal(channel: Channel): void;
}

/** The key under which a loop has its {@link TaskHost}: a subclass may use any name. */
export const loopHost: unique symbol = Symbol('loopHost');

/** Returns what a manager needs of `loop`. */
export function hostOf(loop: Loop): TaskHost {
  return (loop as Loop & { readonly [loopHost]: TaskHost })[loopHost];
}
