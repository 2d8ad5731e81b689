import { type TaskManager, type TaskManagerHandle } from 'waitable-event';

import { type ClusterOptions } from './cluster-options';
import { StoredTask } from './cluster-task';
import { ClusterClosedError } from './errors';
import { Gateway, RemoteClusterTaskManager } from './gateway';
import { type Member } from './member';
import { settingsOf, stringOf } from './options';
import { type Parts, closeParts, openParts } from './parts';
import { addJob, addJobs, makeJob, makeJobs } from './schedule';
import { readStats } from './stats';
import type * as T from './types';

/**
 * Named tasks on many machines: what `TaskManager` is in one process. It belongs to the thread that made it.
 *
 * @example
 * core.taskManager.define('resize', resize);
 * const cluster = await ClusterTaskManager.join(core.taskManager, { queue: 'images', connection: 'redis://localhost' });
 * await cluster.schedule('resize', { width: 640 }, { delta: 1500, key: 'a' });
 */
export class ClusterTaskManager<H extends T.Handlers = T.Handlers> {
  readonly #member: Member;
  readonly #parts: Parts;
  #gateway: Gateway | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.#member = parts.member;
    this.#parts = parts;
  }

  /**
   * Joins a queue: its tasks run in the handlers of `manager`, or of the manager of another thread, whose handle it is.
   *
   * Rejects with `ERR_STORE_UNAVAILABLE`, `ERR_STORE_REFUSED`, `ERR_STORE_VOLATILE`, `ERR_STORE_EVICTS`,
   * `ERR_CLOCK_SKEW`, `ERR_INVALID_ARG_TYPE` and `ERR_INVALID_ARG_VALUE`.
   */
  static async join<H extends T.Handlers = T.Handlers>(
    manager: TaskManager | TaskManagerHandle,
    options: ClusterOptions,
  ): Promise<ClusterTaskManager<H>> {
    return new ClusterTaskManager<H>(await openParts(manager, settingsOf(options)));
  }

  /** Connects a worker thread to the thread that joined, by its `handle`. No connection to the store is made. */
  static connect<H extends T.Handlers = T.Handlers>(handle: TaskManagerHandle): RemoteClusterTaskManager<H> {
    return new RemoteClusterTaskManager<H>(handle);
  }

  /** Schedules a task, and resolves when the store has it. */
  async schedule<Name extends keyof H & string>(
    name: Name,
    payload?: T.PayloadOf<H, Name>,
    options: T.ClusterScheduleOptions = {},
  ): Promise<T.ClusterTask> {
    this.#checkOpen();
    if (options?.interval !== undefined) return this.task(await this.#parts.recurring.declare(name, payload, options));
    return this.task(await addJob(this.#member, makeJob(this.#member, name, payload, options)));
  }

  /** Schedules many tasks, those without a key with one command. Invalid ones make it reject before any is stored. */
  async scheduleAll(tasks: Iterable<T.ClusterSchedule>): Promise<T.ClusterTask[]> {
    this.#checkOpen();
    return (await addJobs(this.#member, makeJobs(this.#member, tasks))).map((id) => this.task(id));
  }

  /** Runs a task in a member of the queue, and resolves with its result, or rejects with its error. */
  async call<Name extends keyof H & string>(
    name: Name,
    payload?: T.PayloadOf<H, Name>,
    options?: T.ClusterCallOptions,
  ): Promise<T.ResultOf<H, Name>> {
    this.#checkOpen();
    return (await this.#parts.calls.call(name, payload, options)) as T.ResultOf<H, Name>;
  }

  /** Returns a task of any process, by its id. */
  task(id: string): T.ClusterTask {
    return this.#parts.recurring.task(stringOf('id', id)) ?? new StoredTask(this.#member, id);
  }

  /** Returns the store's time, in milliseconds since the epoch, with fractions. */
  getTime(): number {
    return this.#member.clock.now();
  }

  /** This machine's clock minus the store's, in milliseconds. */
  get clockSkew(): number {
    return this.#member.clock.skew;
  }

  /** Resolves with the counts of the queue, and those of this member. */
  stats(): Promise<T.ClusterStats> {
    return readStats(this.#member, this.#parts.worker?.runner.leases.lost ?? 0);
  }

  /** Returns what a worker thread needs to `ClusterTaskManager.connect()`. Structured-cloneable. */
  get handle(): TaskManagerHandle {
    this.#checkOpen();
    this.#gateway ??= new Gateway(this, this.#member.settings.onError);
    return this.#gateway.handle;
  }

  /** Takes no new tasks until `resume()`. Those that run go on. */
  async pause(): Promise<void> {
    await this.#parts.worker?.pause();
  }

  resume(): void {
    this.#parts.worker?.resume();
  }

  /**
   * Leaves the queue: takes nothing new, and waits for the tasks that run here. After `timeout` milliseconds they are
   * aborted, and other members run them. Default: `Infinity`.
   */
  close({ timeout = Infinity }: { timeout?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeout);
    return this.#closing;
  }

  async #close(timeout: number): Promise<void> {
    this.#gateway?.close();
    await closeParts(this.#parts, timeout);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new ClusterClosedError();
  }
}
