/** The options of a pool, and what it tells of itself. */

import { availableParallelism } from 'node:os';

import type { CallOptions } from '../client';
import { InvalidArgValueError, validateInteger, validateMilliseconds, validateOptions } from '../util';
import type { TaskWorkerOptions } from './task-worker';

/** Options of `new TaskPool()`: those of its workers, and these. */
export interface TaskPoolOptions extends TaskWorkerOptions {
  /**
   * How many workers there are at most.
   * @default the number of cores that the process may use
   */
  size?: number | undefined;
  /**
   * How many workers are kept when there is nothing to do. They are started with the pool.
   * @default 1
   */
  minSize?: number | undefined;
  /**
   * How many tasks may wait in the pool. `run()` refuses more with `ERR_QUEUE_FULL`.
   * @default 65536
   */
  capacity?: number | undefined;
  /**
   * After how many milliseconds without a task a worker beyond `minSize` ends.
   * @default 10000
   */
  idleTimeout?: number | undefined;
  /**
   * How many tasks a worker works on at the same time, where its handlers return promises.
   * @default 1
   */
  concurrency?: number | undefined;
  /**
   * How many milliseconds a task that was aborted, or has timed out, may block its worker. After that the worker is
   * terminated and replaced.
   * @default 1000
   */
  abortTimeout?: number | undefined;
}

/** Options of `run()` of a pool. */
export interface PoolRunOptions extends CallOptions {
  /**
   * Of the tasks that wait, the one with the lowest number is run first. An integer from -1000000 to 1000000.
   * @default 0
   */
  priority?: number | undefined;
}

/** The counts of a pool. */
export interface TaskPoolStats {
  /** How many workers there are, with those that start. */
  readonly size: number;
  /** How many workers have something to do. */
  readonly busy: number;
  /** How many tasks wait in the pool. */
  readonly queued: number;
  /** How many tasks the workers have. */
  readonly running: number;
  /** How many tasks had a result. */
  readonly completed: number;
  /** How many tasks had an error, or were aborted. */
  readonly failed: number;
  /** How many workers have ended that were not asked to. */
  readonly failedWorkers: number;
}

/** The options of a pool, with their defaults. */
export interface PoolSettings {
  readonly size: number;
  readonly minSize: number;
  readonly capacity: number;
  readonly idleTimeout: number;
  readonly concurrency: number;
  readonly abortTimeout: number;
  readonly worker: TaskWorkerOptions;
}

const MANY = 2 ** 31 - 1;

/** Returns the options with their defaults. Throws for invalid ones. */
export function toPoolSettings(options: TaskPoolOptions | undefined): PoolSettings {
  validateOptions(options);
  const {
    size = Math.max(availableParallelism(), options?.minSize ?? 1),
    minSize = 1,
    capacity = 65_536,
    idleTimeout = 10_000,
    concurrency = 1,
    abortTimeout = 1000,
    ...worker
  } = options ?? {};
  validateInteger('options.size', size, 1, MANY);
  validateInteger('options.minSize', minSize, 0, MANY);
  if (minSize > size) {
    throw new InvalidArgValueError('options.minSize', 'at most `options.size`', minSize);
  }
  validateInteger('options.capacity', capacity, 0, MANY);
  validateInteger('options.concurrency', concurrency, 1, MANY);
  validateMilliseconds('options.idleTimeout', idleTimeout);
  validateMilliseconds('options.abortTimeout', abortTimeout);
  return { size, minSize, capacity, idleTimeout, concurrency, abortTimeout, worker: { ...worker, concurrency } };
}
