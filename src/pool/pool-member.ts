/** A worker of a pool: how much it has to do, and how much it may be sent. */

import type { RemoteTaskManager } from '../client';
import { monotonicNow } from '../platform';
import { PING_TASK } from './introduction';
import { TaskWorker, exitOf, uncaughtOf } from './task-worker';
import type { PoolSettings } from './pool-options';

/** How many milliseconds of work may wait in a worker's own queue. */
const AHEAD = 1;

/** How many tasks may wait there. */
const AHEAD_MAX = 255;

/** How much a task counts in the average time of a task. */
const WEIGHT = 0.1;

export class PoolMember {
  readonly worker: TaskWorker;
  /** Once it serves. */
  tasks: RemoteTaskManager | undefined;
  /** How many tasks it has. */
  running: number = 0;
  /** When its last task ended, on the monotonic clock. */
  lastEnd: number = monotonicNow();
  readonly #concurrency: number;
  /** How long a task takes on average, in milliseconds. A new worker gets one task after the other. */
  #average: number = AHEAD + 1;
  #isChecking = false;

  constructor(module: string | URL, { worker, concurrency }: PoolSettings) {
    this.worker = new TaskWorker(module, worker);
    this.#concurrency = concurrency;
  }

  /** Resolves when the thread has ended. */
  get exited(): Promise<number> {
    return exitOf(this.worker);
  }

  get uncaught(): unknown {
    return uncaughtOf(this.worker);
  }

  /** Whether the worker can begin another task now. */
  get isFree(): boolean {
    return this.running < this.#concurrency;
  }

  /**
   * Whether the worker may be sent a task. A worker whose tasks are short is sent some ahead, so that it does not wait
   * for the next one. Where tasks are long, they wait in the pool, for the first worker that is free.
   */
  get canTake(): boolean {
    if (this.tasks === undefined || this.tasks.closed || this.#isChecking) {
      return false;
    }
    return this.running < this.#concurrency + Math.min(AHEAD_MAX, Math.floor(AHEAD / this.#average));
  }

  onStart(): void {
    if (this.running === 0) {
      this.lastEnd = monotonicNow();
    }
    this.running += 1;
  }

  onEnd(): void {
    const now = monotonicNow();
    this.#average += WEIGHT * (now - this.lastEnd - this.#average);
    this.lastEnd = now;
    this.running -= 1;
  }

  /** Terminates the worker when it has not answered for `timeout` milliseconds: a handler blocks it. */
  async terminateIfBlocked(timeout: number): Promise<void> {
    if (this.#isChecking || this.tasks === undefined) {
      return;
    }
    this.#isChecking = true;
    try {
      await this.tasks.call(PING_TASK, undefined, { timeout });
    } catch {
      // The worker blocks, or has ended.
      await this.worker.terminate();
    } finally {
      this.#isChecking = false;
    }
  }
}
