/** What a loop's clock and a run through virtual time need of each task manager. */

import type { WaitableEvent } from '../event';
import type { Clock } from '../platform/clock';

/** The threads that are connected to a manager. */
export interface ConnectedThreads {
  /** The event by which they wake the manager's loop. */
  readonly trigger: WaitableEvent;
  readonly producerSet: {
    /** How many connections there have been. */
    readonly connections: number;
    /** Returns whether they have sent nothing that was not read. */
    isEmpty(): boolean;
  };
}

/** A manager's end of other threads. */
export interface ThreadGate {
  /** What another thread needs to connect; made when it is first asked for. */
  readonly handle: unknown;
  /** The connected threads; `undefined` before the handle was asked for. */
  readonly threads: ConnectedThreads | undefined;
  /** Leaves all reading to {@link ThreadGate.read} until {@link ThreadGate.endRun}. */
  beginRun(): void;
  endRun(): void;
  /** Reads what threads have sent. */
  read(): void;
  /** Returns the threads that are at work. */
  busyThreads(): number[];
  /** Makes threads notify the manager when they become quiescent, or stops that. */
  awaitQuiescence(isAwaiting: boolean): void;
}

/** A task manager, as virtual time sees it. */
export interface Participant {
  readonly receiver: ThreadGate;
  /** Goes by another clock, or by the system's again. */
  useClock(clock: Clock | undefined): void;
  /** Tells other threads the virtual time; `undefined` ends it. */
  setVirtualTime(now: number | undefined): void;
  /** Returns when the first task is due, on the manager's own clock. */
  firstDue(): number;
}
