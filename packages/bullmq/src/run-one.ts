/** Runs one task: what a worker of BullMQ calls for each job. */

import { type RemoteTaskManager } from 'waitable-event';

import { decode, encode } from './codec';
import { packError } from './error-envelope';
import { ClusterClosedError, LeaseLostError, giveBack } from './errors';
import { Leases } from './lease';
import { type Member, channels } from './member';
import { overlaps, park, untilDue } from './put-off';
import { type TaskJob, type TaskResult, dueTime } from './task-data';

/** So many cancels of tasks that do not run here are remembered. */
const MOST_EARLY = 1024;

type Reason = 'cancelled' | 'lease' | 'closing';

interface Run {
  readonly abort: AbortController;
  reason: Reason | undefined;
}

export class Runner {
  readonly leases: Leases;
  readonly #member: Member;
  readonly #remote: RemoteTaskManager;
  readonly #runs = new Map<string, Run>();
  /** Cancels that came before the answer to the claim: the two use different connections. */
  readonly #early = new Set<string>();
  #onEnd: () => void = () => undefined;
  /** Called when all handlers are busy. */
  onBusy: () => void = () => undefined;
  /** Called when the manager that has the handlers is gone. */
  onHandlersGone: (error: unknown) => void = () => undefined;

  constructor(member: Member, remote: RemoteTaskManager) {
    this.#member = member;
    this.#remote = remote;
    this.leases = new Leases(member.settings.lease);
  }

  /** Aborts a task that was added at `timestamp`, and that runs here, or is about to. */
  cancel(id: string, timestamp: string): void {
    if (!this.#runs.has(id)) {
      this.#early.add(`${id} ${timestamp}`);
      if (this.#early.size > MOST_EARLY) this.#early.delete(this.#early.values().next().value ?? '');
    }
    this.#abort(id, 'cancelled', new DOMException('The task was cancelled', 'AbortError'));
  }

  /** Resolves when no task runs here. */
  async untilIdle(): Promise<void> {
    while (this.#runs.size > 0) {
      // eslint-disable-next-line no-await-in-loop -- each end of a task is a reason to look again
      await new Promise<void>((resolve) => {
        this.#onEnd = resolve;
      });
    }
  }

  /** Aborts all tasks, and gives them back to the store. */
  abortAll(): void {
    for (const id of this.#runs.keys()) this.#abort(id, 'closing', new ClusterClosedError());
  }

  #abort(id: string, reason: Reason, error: Error): void {
    const run = this.#runs.get(id);
    if (run === undefined || run.reason !== undefined) return;
    run.reason = reason;
    run.abort.abort(error);
  }

  /** The processor. It has two parameters: BullMQ makes its own signal for those that have three. */
  readonly process = async (job: TaskJob, token?: string): Promise<TaskResult | null> => {
    const id = String(job.id);
    if (job.data.cancelled || this.#early.delete(`${id} ${job.timestamp}`)) return { cancelled: true };
    const run: Run = { abort: new AbortController(), reason: undefined };
    const age = Math.max(Date.now() - (job.processedOn ?? Date.now()), 0);
    const onLost = (): void => {
      const error = new LeaseLostError(id);
      channels.leaseLost.publish({ id, name: job.name });
      this.#member.settings.onError(error, job.name);
      this.#abort(id, 'lease', error);
    };
    // The answer to the claim took longer than the lease.
    if (!this.leases.begin(id, age, onLost)) throw giveBack(new LeaseLostError(id));
    this.#runs.set(id, run);
    if (this.#runs.size >= this.#member.settings.concurrency) this.onBusy();
    try {
      return await this.#run(job, token, run);
    } finally {
      // After its lease was lost, this member may have claimed the task again.
      if (this.#runs.get(id) === run) {
        this.leases.end(id);
        this.#runs.delete(id);
      }
      this.#onEnd();
    }
  };

  async #run(job: TaskJob, token: string | undefined, run: Run): Promise<TaskResult | null> {
    if (job.data.interval !== undefined) {
      if (job.data.suspended || (await overlaps(this.#member, job))) return { skipped: true };
    } else if (job.data.suspended) {
      await park(this.#member, job, token);
    }
    await untilDue(this.#member, job, token, run.abort.signal);
    if (run.reason === 'cancelled') return { cancelled: true };
    const { name = job.name, call } = job.data;
    channels.start.publish({ id: job.id, name, attempt: job.attemptsMade + 1, due: dueTime(job) });
    try {
      if (run.reason !== undefined) throw run.abort.signal.reason;
      const value = await this.#remote.call(name, decode(job.data), { signal: run.abort.signal });
      channels.end.publish({ id: job.id, name });
      return call ? { ok: encode(value, this.#member.settings.maxPayload) } : null;
    } catch (error) {
      return await this.#failed(job, token, run, error);
    }
  }

  async #failed(job: TaskJob, token: string | undefined, run: Run, error: unknown): Promise<TaskResult> {
    const { name = job.name, call } = job.data;
    channels.error.publish({ id: job.id, name, error });
    if (run.reason === 'cancelled') return { cancelled: true, ran: true };
    // Another member may have the task already: this end settles nothing.
    if (run.reason === 'lease') throw giveBack(error);
    const isGone = (error as { code?: unknown } | null)?.code === 'ERR_TASK_MANAGER_CLOSED' && this.#remote.closed;
    if (run.reason === 'closing' || isGone) {
      if (isGone) this.onHandlersGone(error);
      await job.moveToWait(token);
      throw giveBack(error);
    }
    if (call) return { error: packError(error, this.#member.settings.maxPayload) };
    this.#member.settings.onError(error, name);
    throw error instanceof Error ? error : new Error(String(error));
  }
}
