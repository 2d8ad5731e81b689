/**
 * Calls: a task, and the result that it left in the store. The `completed` event brings it. An event may be lost, so
 * the job itself is looked at, too: after 1, 2.5, 4.75 … s, and then each 10 s.
 */

import { CallTimeoutError, TaskCancelledError } from 'waitable-event';

import { decode } from './codec';
import { unpackError } from './error-envelope';
import { ClusterClosedError, ResultLostError } from './errors';
import { StoredTask } from './cluster-task';
import { listen } from './listen';
import { type Member } from './member';
import { numberOf } from './options';
import { addJob, makeJob } from './schedule';
import { type Events, type TaskJob, type TaskResult } from './task-data';
import { type ClusterCallOptions } from './types';
import { LISTENER_CLOSE_TIME, closeWithin } from './waiting';

const FIRST_LOOK = 1000;
const LAST_LOOK = 10_000;

interface Pending {
  name: string;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  timer: NodeJS.Timeout | undefined;
}

export class Calls {
  readonly #member: Member;
  readonly #pending = new Map<string, Pending>();
  #events: Promise<Events> | undefined;
  #closed = false;

  constructor(member: Member) {
    this.#member = member;
  }

  async call(name: string, payload: unknown, { timeout, signal }: ClusterCallOptions = {}): Promise<unknown> {
    const limit = numberOf('options.timeout', timeout, { min: -Infinity, standard: Infinity });
    signal?.throwIfAborted();
    const job = makeJob(this.#member, name, payload, { attempts: 1 });
    job.data.call = true;
    const id = job.opts.jobId;
    const result = new Promise((resolve, reject) => {
      this.#pending.set(id, { name, resolve, reject, timer: undefined });
    });
    // It may be rejected before it is awaited below.
    result.catch(() => undefined);
    const giveUp = (error: unknown): void => {
      const pending = this.#take(id);
      if (pending === undefined) return;
      pending.reject(error);
      this.#abandon(id);
    };
    const onAbort = (): void => giveUp(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      limit < 2 ** 31 ? setTimeout(() => giveUp(new CallTimeoutError(name, limit)), Math.max(limit, 0)) : undefined;
    try {
      await Promise.race([this.#listen(), result]);
      const adding = addJob(this.#member, job);
      await Promise.race([adding, result.then(() => adding)]);
      this.#lookLater(id, FIRST_LOOK);
      return await result;
    } finally {
      this.#take(id);
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Rejects the pending calls, and ends the connection for events. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const id of this.#pending.keys()) this.#take(id)?.reject(new ClusterClosedError());
    const events = await this.#events?.catch(() => undefined);
    if (events === undefined) return;
    await closeWithin(
      LISTENER_CLOSE_TIME,
      () => events.close(),
      () => events.disconnect(),
    );
  }

  /** Cancels a task whose result is not wanted any more. A store that is away cannot be told. */
  #abandon(id: string): void {
    new StoredTask(this.#member, id).cancel().catch(() => undefined);
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    clearTimeout(pending?.timer);
    this.#pending.delete(id);
    return pending;
  }

  /** Listens for events, from the first call on. */
  #listen(): Promise<Events> {
    if (this.#closed) return Promise.reject(new ClusterClosedError());
    this.#events ??= this.#open().catch((error: unknown) => {
      this.#events = undefined;
      throw error;
    });
    return this.#events;
  }

  #open(): Promise<Events> {
    return listen(this.#member, {
      completed: (id, result) => this.#settle(id, result),
      failed: (id, reason) => this.#take(id)?.reject(new Error(reason)),
    });
  }

  #settle(id: string, result: TaskResult | null): void {
    const pending = this.#take(id);
    if (pending === undefined) return;
    if (result?.error !== undefined) pending.reject(unpackError(result.error));
    else if (result?.cancelled) pending.reject(new TaskCancelledError(pending.name));
    else pending.resolve(decode(result?.ok));
  }

  #lookLater(id: string, wait: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.timer = setTimeout(() => {
      this.#look(id)
        .catch(() => undefined)
        .finally(() => this.#lookLater(id, Math.min(wait * 1.5, LAST_LOOK)));
    }, wait);
  }

  async #look(id: string): Promise<void> {
    const { queue, counts } = this.#member;
    const job: TaskJob | undefined = await queue.getJob(id);
    if (job !== undefined && job.finishedOn === undefined) return;
    if (!this.#pending.has(id)) return;
    counts.missedEvents += 1;
    if (job === undefined) this.#take(id)?.reject(new ResultLostError(id));
    else if (job.failedReason) this.#take(id)?.reject(new Error(job.failedReason));
    else this.#settle(id, job.returnvalue);
  }
}
