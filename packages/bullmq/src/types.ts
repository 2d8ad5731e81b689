/** Tasks and handlers, as callers see them. */

import { type ScheduleOptions, type TaskContext } from 'waitable-event';

/** The handlers of a queue: the names, and what each takes and returns. */
// eslint-disable-next-line typescript/no-explicit-any -- a handler may take any payload
export type Handlers = Record<string, (payload: any, context: TaskContext) => unknown>;

/** What the handler of `Name` takes. */
export type PayloadOf<H extends Handlers, Name extends keyof H> = Parameters<H[Name]>[0];

/** What the handler of `Name` returns, or what its promise resolves with. */
export type ResultOf<H extends Handlers, Name extends keyof H> = Awaited<ReturnType<H[Name]>>;

/** Options of `ClusterTaskManager.schedule()`. */
export interface ClusterScheduleOptions extends Omit<ScheduleOptions, 'transfer'> {
  /** How often the task is tried. */
  attempts?: number | undefined;
  /** The task's id: a task of the same id that the store still has is not stored again. Default: a random one. */
  id?: string | undefined;
}

/** One task of `scheduleAll()`. */
export interface ClusterSchedule {
  name: string;
  payload?: unknown;
  options?: ClusterScheduleOptions | undefined;
}

/** Options of `ClusterTaskManager.call()`. */
export interface ClusterCallOptions {
  /** After so many milliseconds the call is given up with `ERR_CALL_TIMEOUT`. Default: `Infinity`. */
  timeout?: number | undefined;
  /** Gives the call up. */
  signal?: AbortSignal | undefined;
}

/**
 * What became of a task. `'cancelled'`: it never ran, and will not. `'running'`: a member had claimed it; its signal is
 * aborted, and it is not tried again. `'done'`: it has run, and will not run again.
 */
export type ClusterCancelOutcome = 'cancelled' | 'running' | 'done';

/** A task in the store. Any process can make this object from the id. */
export interface ClusterTask {
  readonly id: string;
  /** Keeps the task from running until `resume()`. It stays so when this process ends. */
  suspend(): Promise<void>;
  /** Lets the task run again: at its time, or as soon as possible when that has passed. */
  resume(): Promise<void>;
  cancel(): Promise<ClusterCancelOutcome>;
}

/** The counts of a queue, and those of this member since it joined. */
export interface ClusterStats {
  waiting: number;
  running: number;
  delayed: number;
  completed: number;
  failed: number;
  /** For how many milliseconds the first waiting task has waited; 0 when none waits. */
  oldestWaiting: number;
  /** Tasks of this member whose lease was lost. */
  leasesLost: number;
  /** Recurring tasks that stood still, and that this member has set going again. */
  repairedChains: number;
  /** Results of which this member was not told, and which it found by looking. */
  missedEvents: number;
  /** This machine's clock minus the store's, ms. */
  clockSkew: number;
}
