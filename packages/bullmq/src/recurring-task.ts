/** A recurring task in the store: cancel, suspend, resume. */

import { type Member } from './member';
import { type TaskData } from './task-data';
import { type ClusterCancelOutcome, type ClusterTask } from './types';

export class RecurringTask implements ClusterTask {
  readonly id: string;
  readonly #member: Member;
  readonly #key: string;
  readonly #unwatch: () => void;

  /** `unwatch` ends the watch of this member over the task. */
  constructor(member: Member, id: string, key: string, unwatch: () => void) {
    this.#member = member;
    this.id = id;
    this.#key = key;
    this.#unwatch = unwatch;
  }

  /** The chain goes on, and each run sees that it is suspended. */
  suspend(): Promise<void> {
    return this.#set(true);
  }

  resume(): Promise<void> {
    return this.#set(false);
  }

  /** Ends the chain. A run that is under way goes on. */
  async cancel(): Promise<ClusterCancelOutcome> {
    this.#unwatch();
    const { queue, submit } = this.#member;
    const isRemoved = await submit.run(`the task ${this.id}`, () => queue.removeJobScheduler(this.#key));
    return isRemoved ? 'cancelled' : 'done';
  }

  #set(suspended: boolean): Promise<void> {
    const { queue, submit } = this.#member;
    return submit.run(`the task ${this.id}`, async () => {
      const { template, every, offset, name } = (await queue.getJobScheduler(this.#key)) ?? {};
      if (template?.data === undefined || every === undefined) return;
      const { suspended: _old, ...data }: TaskData = template.data;
      const next = { name, data: suspended ? { ...data, suspended } : data, opts: template.opts };
      await queue.upsertJobScheduler(this.#key, { every, offset }, next);
    });
  }
}
