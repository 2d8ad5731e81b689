/** The interfaces by which virtual time knows the task managers of a loop. */

import type { WaitableEvent } from '../event';
import type { Clock } from '../platform';

/** The threads that are connected to a manager. */
export interface ConnectedThreads {
  /** The event by which the threads wake the manager's loop. */
  readonly trigger: WaitableEvent;
  readonly producerSet: {
    /** How many connections were made, including those that have ended. */
    readonly connections: number;
    /** Returns whether everything that threads have sent was read. */
    isEmpty(): boolean;
  };
}

/** A manager's end of other threads. */
export interface ThreadGate {
  /** What another thread needs to connect. The first access makes it. */
  readonly handle: unknown;
  /** The connected threads; `undefined` until the handle was read. */
  readonly threads: ConnectedThreads | undefined;
  /** Leaves all reading to {@link ThreadGate.read} until {@link ThreadGate.endRun}. */
  beginRun(): void;
  /** Ends the run: the manager reads again by itself. */
  endRun(): void;
  /** Reads what threads have sent. */
  read(): void;
  /** Returns the ids of the busy threads. */
  busyThreads(): number[];
  /** Makes threads notify the manager when they become quiescent, or stops that. */
  awaitQuiescence(isAwaiting: boolean): void;
}

/** A task manager as virtual time sees it. */
export interface Participant {
  /** The manager's end of other threads. */
  readonly receiver: ThreadGate;
  /** Changes the manager's clock; `undefined` means the system's. */
  useClock(clock: Clock | undefined): void;
  /** Publishes the virtual time to other threads; `undefined` ends virtual time. */
  setVirtualTime(now: number | undefined): void;
  /** Offers each error of a task to `intercept`, which returns whether it takes the error; `undefined` ends that. */
  interceptErrors(intercept: ((error: unknown) => boolean) | undefined): void;
  /** Removes all tasks that wait for their time. */
  clear(): void;
  /** Returns when the first task is due, on the manager's own clock. */
  firstDue(): number;
}
