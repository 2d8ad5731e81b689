/** A pool of workers. */

import { AsyncResource } from 'node:async_hooks';
import { type InspectOptions, inspect } from 'node:util';

import { clearTimeout, monotonicNow, reserveStack, setTimeout } from '../platform';
import { type TaskArguments, type TaskName, type TaskResult, type UntypedHandlers, sendChannel } from '../protocol';
import {
  BinaryHeap,
  CallTimeoutError,
  PoolClosedError,
  QueueFullError,
  TaskManagerClosedError,
  WorkerFailedError,
  inspectAs,
  throwIfAborted,
  validateInteger,
  validateNames,
  validateOptions,
  validateSignal,
  validateString,
} from '../util';
import { PoolMember } from './pool-member';
import {
  type PoolRunOptions,
  type PoolSettings,
  type TaskPoolOptions,
  type TaskPoolStats,
  toPoolSettings,
} from './pool-options';

const PRIORITY_LIMIT = 1_000_000;

/** A task that waits in the pool. */
interface Job {
  heapIndex: number;
  readonly priority: number;
  readonly order: number;
  /** Gives the task to a worker. */
  begin(member: PoolMember): void;
  reject(error: unknown): void;
}

/**
 * Runs tasks in workers: each task in the worker that has the least to do. The module of the workers calls `serve()`.
 * `Handlers` is the interface of its handlers.
 *
 * Workers are started when they are needed, up to `size`, and end when they are idle, down to `minSize`. A worker that
 * ends by itself is replaced. A pool without tasks does not keep the process alive.
 *
 * @example
 * await using pool = new TaskPool(new URL('./worker.js', import.meta.url), { size: 4 });
 * const sums = await Promise.all(pairs.map((pair) => pool.run('add', pair)));
 */
export class TaskPool<Handlers = UntypedHandlers> {
  readonly #module: string | URL;
  readonly #settings: PoolSettings;
  readonly #members = new Set<PoolMember>();
  readonly #queue = new BinaryHeap<Job>(
    (a, b) => a.priority < b.priority || (a.priority === b.priority && a.order < b.order),
  );
  #queued = 0;
  #order = 0;
  #running = 0;
  #completed = 0;
  #failed = 0;
  #failedWorkers = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #drained: (() => void)[] = [];
  #idle: (() => void)[] = [];
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /**
   * Makes a pool, and starts `minSize` workers. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid
   * arguments.
   */
  constructor(filename: string | URL, options?: TaskPoolOptions) {
    reserveStack();
    this.#settings = toPoolSettings(options);
    this.#module = filename;
    while (this.#members.size < this.#settings.minSize) {
      this.#startWorker();
    }
  }

  /**
   * Runs a handler in a worker, and resolves with what it returns, or what its promise resolves with. The payload is
   * read when a worker gets the task.
   *
   * Rejects with what the handler throws, with the signal's reason, with `ERR_CALL_TIMEOUT`, with `ERR_QUEUE_FULL` when
   * `capacity` tasks wait, with `ERR_WORKER_FAILED` when the worker ends, and with `ERR_POOL_CLOSED`. `timeout` counts
   * from the moment in which a worker gets the task.
   */
  run<Name extends TaskName<Handlers>>(
    name: Name,
    ...rest: TaskArguments<Handlers, Name, PoolRunOptions>
  ): Promise<TaskResult<Handlers, Name>>;
  run(name: string, payload?: unknown, options?: PoolRunOptions): Promise<unknown> {
    try {
      reserveStack();
      validateString('name', name);
      validateOptions(options);
      validateNames('options', options, ['timeout', 'transfer', 'signal', 'priority']);
      validateSignal(options?.signal);
      const { priority = 0, ...callOptions } = options ?? {};
      validateInteger('options.priority', priority, -PRIORITY_LIMIT, PRIORITY_LIMIT);
      throwIfAborted(options?.signal);
      if (this.#isClosed) {
        throw new PoolClosedError();
      }
      const member = this.#queued === 0 ? this.#leastBusy() : undefined;
      if (member?.isFree !== true) {
        this.#grow();
      }
      if (member !== undefined) {
        return this.#perform(member, name, payload, callOptions);
      }
      if (this.#queued >= this.#settings.capacity) {
        throw new QueueFullError();
      }
      return this.#enqueue(priority, name, payload, callOptions);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Whether as many tasks wait as may: the next `run()` may be refused. */
  get needsDrain(): boolean {
    return this.#queued >= this.#settings.capacity;
  }

  /**
   * Resolves when no task waits in the pool: the workers have them all.
   *
   * @example
   * for (const line of lines) {
   *   if (pool.needsDrain) await pool.drained();
   *   results.push(pool.run('parse', line));
   * }
   */
  drained(): Promise<void> {
    return this.#queued === 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#drained.push(resolve);
        });
  }

  /** Returns the counts of the pool. */
  stats(): TaskPoolStats {
    const busy = [...this.#members].filter(({ running }) => running > 0).length;
    return {
      size: this.#members.size,
      busy,
      queued: this.#queued,
      running: this.#running,
      completed: this.#completed,
      failed: this.#failed,
      failedWorkers: this.#failedWorkers,
    };
  }

  /** Refuses further tasks, waits for those it has, and ends the workers. Resolves when they have ended. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  /** Terminates the workers. Tasks without a result are rejected with `ERR_POOL_CLOSED`. */
  async destroy(): Promise<void> {
    this.#isClosed = true;
    this.#rejectAll(new PoolClosedError());
    await Promise.all([...this.#members].map(({ worker }) => worker.terminate()));
    await this.close();
  }

  /** Calls `close()` at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Shows the counts in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({ ...this.stats() }));
  }

  async #end(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    if (this.#queued + this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
      });
    }
    await Promise.all([...this.#members].map(({ worker }) => worker.close()));
  }

  /** Returns the worker with the fewest tasks that may be sent another one. */
  #leastBusy(): PoolMember | undefined {
    let best: PoolMember | undefined;
    for (const member of this.#members) {
      if (member.canTake && (best === undefined || member.running < best.running)) {
        best = member;
      }
    }
    return best;
  }

  async #perform(member: PoolMember, name: string, payload: unknown, options: PoolRunOptions): Promise<unknown> {
    member.onStart();
    this.#running += 1;
    try {
      const result = await member.tasks?.call(name, payload, options);
      this.#completed += 1;
      return result;
    } catch (error) {
      this.#failed += 1;
      if (options.signal?.aborted === true || error instanceof CallTimeoutError) {
        // It gets no other task until it has answered.
        void member.terminateIfBlocked(this.#settings.abortTimeout).then(() => this.#dispatch());
      }
      if (error instanceof TaskManagerClosedError && member.tasks?.closed === true) {
        const code = await member.exited;
        throw this.#isClosed
          ? new PoolClosedError()
          : new WorkerFailedError(`ended with the exit code ${code} before the task had a result`, member.uncaught);
      }
      throw error;
    } finally {
      this.#running -= 1;
      member.onEnd();
      this.#dispatch();
    }
  }

  #enqueue(priority: number, name: string, payload: unknown, options: PoolRunOptions): Promise<unknown> {
    const { signal } = options;
    // A subscriber is told of the task in the context in which the task was given, and not in that of the last one.
    const context = sendChannel.hasSubscribers ? new AsyncResource('waitable-event.TaskPool') : undefined;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#queue.remove(job);
        this.#failed += 1;
        this.#leaveQueue();
        job.reject(signal?.reason);
      };
      const job: Job = {
        heapIndex: -1,
        priority,
        order: this.#order,
        begin: (member) => {
          signal?.removeEventListener('abort', onAbort);
          const perform = (): Promise<unknown> => this.#perform(member, name, payload, options);
          resolve(context === undefined ? perform() : context.runInAsyncScope(perform));
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      this.#order += 1;
      this.#queued += 1;
      this.#queue.push(job);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#holdStarting();
    });
  }

  /** Sends waiting tasks to workers that have room. */
  #dispatch(): void {
    while (this.#queued > 0) {
      const member = this.#leastBusy();
      if (member === undefined) {
        break;
      }
      const job = this.#queue.pop();
      this.#leaveQueue();
      job?.begin(member);
    }
    if (this.#queued > 0) {
      this.#grow();
    } else if (this.#running === 0) {
      this.#idle.splice(0).forEach((resolve) => resolve());
      this.#watchIdle();
    }
  }

  #leaveQueue(): void {
    this.#queued -= 1;
    if (this.#queued === 0) {
      this.#drained.splice(0).forEach((resolve) => resolve());
      if (this.#running === 0 && this.#isClosed) {
        this.#idle.splice(0).forEach((resolve) => resolve());
      }
    }
  }

  #rejectAll(error: unknown): void {
    while (this.#queued > 0) {
      const job = this.#queue.pop();
      this.#failed += 1;
      this.#leaveQueue();
      job?.reject(error);
    }
  }

  /** Starts another worker where the tasks are more than the workers can begin. */
  #grow(): void {
    const starting = [...this.#members].some(({ tasks }) => tasks === undefined);
    if (this.#members.size < this.#settings.size && !starting) {
      this.#startWorker();
    }
    this.#holdStarting();
  }

  #startWorker(): void {
    const member = new PoolMember(this.#module, this.#settings);
    this.#members.add(member);
    // A pool without tasks does not keep the process alive.
    member.worker.unref();
    void member.exited.then(() => this.#onExit(member));
    member.worker.ready.then(
      (tasks) => {
        member.tasks = tasks;
        member.worker.unref();
        return this.#dispatch();
      },
      (error: unknown) => this.#onFailedStart(member, error),
    );
  }

  /** Keeps the process alive while tasks wait for workers that start. */
  #holdStarting(): void {
    if (this.#queued > 0) {
      for (const { tasks, worker } of this.#members) {
        if (tasks === undefined) {
          worker.ref();
        }
      }
    }
  }

  /** Where no worker can start, no task can run. */
  #onFailedStart(member: PoolMember, error: unknown): void {
    this.#members.delete(member);
    if (![...this.#members].some(({ tasks }) => tasks !== undefined)) {
      this.#rejectAll(error);
    }
  }

  #onExit(member: PoolMember): void {
    if (this.#members.delete(member) && !this.#isClosed) {
      this.#failedWorkers += 1;
      while (this.#members.size < this.#settings.minSize) {
        this.#startWorker();
      }
      this.#dispatch();
    }
  }

  /** Ends workers that have been idle for long. */
  #watchIdle(): void {
    const { idleTimeout, minSize } = this.#settings;
    if (this.#idleTimer !== undefined || this.#isClosed || this.#members.size <= minSize || idleTimeout === Infinity) {
      return;
    }
    this.#idleTimer = setTimeout(
      () => {
        this.#idleTimer = undefined;
        const limit = monotonicNow() - idleTimeout;
        for (const member of this.#members) {
          if (
            this.#members.size > minSize &&
            member.tasks !== undefined &&
            member.running === 0 &&
            member.lastEnd <= limit
          ) {
            this.#members.delete(member);
            void member.worker.close();
          }
        }
        this.#watchIdle();
      },
      Math.min(idleTimeout, 2 ** 31 - 1),
    );
    this.#idleTimer.unref();
  }
}
