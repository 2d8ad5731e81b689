/** How a task is installed. */

import type { Clock } from '../platform';
import type { AsyncContext } from './async-context';
import type { TaskOwner } from './task-owner';

/**
 * Holds what tasks have in common that are installed in the same way. They share one object instead of having these
 * fields each.
 *
 * A million tasks are a million objects without these fields. A good part of the cost of a task is the garbage
 * collector's copying of its bytes.
 */
export class Installation {
  readonly owner: TaskOwner;
  /** The clock of the task's time, unless that time is on the wall clock. */
  readonly clock: Clock;
  /** Whether the task's time is on the wall clock. */
  readonly byWallClock: boolean;
  /** The async context in which the task was installed; `undefined` before it is installed. */
  readonly context: AsyncContext | undefined;

  constructor(owner: TaskOwner, clock: Clock, byWallClock: boolean, context: AsyncContext | undefined) {
    this.owner = owner;
    this.clock = clock;
    this.byWallClock = byWallClock;
    this.context = context;
  }

  /** Returns this installation when it has these values, otherwise a new one. */
  like(owner: TaskOwner, clock: Clock, byWallClock: boolean, context: AsyncContext | undefined): Installation {
    return this.owner === owner && this.clock === clock && this.byWallClock === byWallClock && this.context === context
      ? this
      : new Installation(owner, clock, byWallClock, context);
  }
}
