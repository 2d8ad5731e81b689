/** A task in the store: cancel, suspend, resume. Any process can do that, with the id alone. */

import { type Member, controlQueueName } from './member';
import { NEVER, type TaskData, type TaskJob } from './task-data';
import { type ClusterCancelOutcome, type ClusterTask } from './types';

/** So many control events are kept for members that were away for a moment. */
const MOST_CONTROL_EVENTS = 1000;

export class StoredTask implements ClusterTask {
  readonly id: string;
  readonly #member: Member;

  constructor(member: Member, id: string) {
    this.#member = member;
    this.id = id;
  }

  /**
   * The removal of a job says nothing: BullMQ reports success for one that has run meanwhile. So the task is marked
   * first. A claim reads the data in one step with its count of claims, so a claim that comes after the mark sees it,
   * and does not run the task. If the count is the same before and after the mark, and the task was not claimed in
   * between, it will not run.
   */
  async cancel(): Promise<ClusterCancelOutcome> {
    const before = await this.#read();
    if (before === undefined) return 'done';
    const state = await this.#run(() => before.getState());
    if (state === 'completed' || state === 'failed' || state === 'unknown') return outcomeOf(before);
    if (!(await this.#update(before, { ...before.data, cancelled: true }))) return 'done';
    const after = await this.#read();
    if (after === undefined) return 'done';
    if (state !== 'active' && after.attemptsStarted === before.attemptsStarted) {
      // A task that waits for another attempt has run.
      const hasRun = before.attemptsMade > 0 || before.stalledCounter > 0;
      // The mark is enough: a member that claims the task meanwhile skips it, and then this fails.
      await after.remove().catch(() => undefined);
      return hasRun ? 'done' : 'cancelled';
    }
    if ((await this.#run(() => after.getState())) !== 'active') {
      const ended = await this.#read();
      return ended === undefined ? 'done' : outcomeOf(ended);
    }
    const { backend, settings } = this.#member;
    const fields = { event: 'cancel', task: this.id, timestamp: after.timestamp };
    await this.#run(() => backend.forQueue(controlQueueName(settings.queue)).publishEvent(fields, MOST_CONTROL_EVENTS));
    return 'running';
  }

  /** Marks the task. The member that claims it puts it off for good. */
  async suspend(): Promise<void> {
    const job = await this.#read();
    if (job !== undefined) await this.#update(job, { ...job.data, suspended: true });
  }

  /** Clears the mark, and then looks whether a member has put the task off. See `Runner`'s end of this. */
  async resume(): Promise<void> {
    const job = await this.#read();
    if (job?.data.suspended === undefined) return;
    const { suspended: _suspended, ...data } = job.data;
    if (!(await this.#update(job, data))) return;
    const now = await this.#read();
    if (now === undefined || now.timestamp + now.delay < NEVER / 2) return;
    // Not delayed any more: the other end has promoted it.
    await this.#run(() => now.promote()).catch(() => undefined);
  }

  #run<T>(operation: () => Promise<T>): Promise<T> {
    return this.#member.submit.run(`the task ${this.id}`, operation);
  }

  #read(): Promise<TaskJob | undefined> {
    return this.#run(() => this.#member.queue.getJob(this.id));
  }

  /** Replaces the data. Returns whether the task is still in the store. */
  async #update(job: TaskJob, data: TaskData): Promise<boolean> {
    try {
      await this.#run(() => job.updateData(data));
      return true;
    } catch (error) {
      if ((await this.#read()) === undefined) return false;
      throw error;
    }
  }
}

/** Returns what became of a task that has ended. */
function outcomeOf({ returnvalue }: TaskJob): ClusterCancelOutcome {
  if (returnvalue?.cancelled !== true) return 'done';
  return returnvalue.ran ? 'running' : 'cancelled';
}
