/** How a task is installed. */

import type { AsyncContext } from './async-context';
import type { Clock } from '../platform/clock';
import type { TaskOwner } from './task-owner';

/**
 * What tasks that are installed alike have in common, and share: a million of them are a million objects less that have these as
 * fields, and a good part of the cost of a task is the copying of its bytes by the garbage collector.
 */
export class Installation {
  readonly owner: TaskOwner;
  /** On which clock the task has its time, unless it has one on the wall. */
  readonly clock: Clock;
  /** Whether it goes by the wall clock. */
  readonly byWallClock: boolean;
  /** The async context it was installed in; undefined before it is installed. */
  readonly context: AsyncContext | undefined;

  constructor(owner: TaskOwner, clock: Clock, byWallClock: boolean, context: AsyncContext | undefined) {
    this.owner = owner;
    this.clock = clock;
    this.byWallClock = byWallClock;
    this.context = context;
  }

  /** This one, or another one when it is not the same. */
  like(owner: TaskOwner, clock: Clock, byWallClock: boolean, context: AsyncContext | undefined): Installation {
    return this.owner === owner && this.clock === clock && this.byWallClock === byWallClock && this.context === context
      ? this
      : new Installation(owner, clock, byWallClock, context);
  }
}
