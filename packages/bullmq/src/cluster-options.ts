/** What `join()` takes. */

import { type KeepJobs, type RedisOptions, type Telemetry } from 'bullmq';
import { type PoolConfig } from 'pg';

/** How long ended tasks are kept: at most `count`, for at most `age` seconds. */
export type Keep = KeepJobs;

/** How long to wait before the next attempt: `delay * factor ** (attempts - 1)` ms, at most `limit`. */
export interface Backoff {
  delay: number;
  /** @default 2 */
  factor?: number | undefined;
  /**
   * The share of the delay that is random, 0 to 1.
   * @default 0.5
   */
  jitter?: number | undefined;
  /** @default an hour, in ms */
  limit?: number | undefined;
}

/** Options of `ClusterTaskManager.join()`. Times are milliseconds. */
export interface ClusterOptions {
  /** One queue has one set of names, which all its members define. */
  queue: string;
  /** `redis:`, `rediss:`, `postgres:` or `postgresql:` and what follows, or options of `ioredis` or `pg`. */
  connection: string | RedisOptions | PoolConfig;
  /**
   * Whether this member runs tasks. If not, it only schedules and calls.
   * @default true
   */
  work?: boolean | undefined;
  /**
   * How many tasks this member runs at a time.
   * @default 64
   */
  concurrency?: number | undefined;
  /**
   * How long a task belongs to the member that runs it. It is renewed in time. At least 1000.
   * @default 30000
   */
  lease?: number | undefined;
  /**
   * How often an idle member looks for tasks of which it was not told.
   * @default 5000
   */
  safetyPoll?: number | undefined;
  /**
   * How often a scheduled task is tried. Calls are tried once.
   * @default 1
   */
  attempts?: number | undefined;
  backoff?: Backoff | undefined;
  /** @default completed: 1000 within an hour; failed: 10 000 within a week */
  keep?: { completed?: Keep | undefined; failed?: Keep | undefined } | undefined;
  /**
   * How many tasks may wait. It is checked once for many of them, so it is approximate.
   * @default Infinity
   */
  maxWaiting?: number | undefined;
  /**
   * What `schedule()` does when so many wait: it rejects with `ERR_QUEUE_FULL`, or waits for room.
   * @default 'reject'
   */
  onFull?: 'reject' | 'wait' | undefined;
  /**
   * How long an operation is tried again while the store is away.
   * @default 30000
   */
  storeTimeout?: number | undefined;
  /**
   * How many bytes the payload of a task may have.
   * @default 1048576
   */
  maxPayload?: number | undefined;
  /**
   * Whether a store that keeps tasks in memory only is accepted.
   * @default false
   */
  allowVolatile?: boolean | undefined;
  /**
   * Called with errors that no promise carries: those of scheduled tasks with their name, and those of the store.
   * @default they are printed to the console
   */
  onError?: ((error: unknown, name?: string) => void) | undefined;
  /** BullMQ's OpenTelemetry, passed on. */
  telemetry?: Telemetry | undefined;
}
