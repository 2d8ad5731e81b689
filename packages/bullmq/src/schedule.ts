/** Puts tasks into the store. */

import { randomUUID } from 'node:crypto';

import { type JobsOptions } from 'bullmq';
import { InvalidArgTypeError, InvalidArgValueError } from 'waitable-event';

import { encode } from './codec';
import { type Member } from './member';
import { numberOf, stringOf } from './options';
import { type TaskData, type TaskJob } from './task-data';
import { type ClusterSchedule, type ClusterScheduleOptions } from './types';

/** A job as BullMQ adds it. */
export interface NewJob {
  name: string;
  data: TaskData;
  opts: JobsOptions & { jobId: string };
}

/** BullMQ runs jobs without a priority before all others: a task of priority 0 must not be one of them. */
const PRIORITY_OF_ZERO = 1_000_001;
const LARGEST_DATE = 8.64e15;
/** A key is tried again so often while its task changes its state. */
const MOST_KEY_ATTEMPTS = 50;

/** Checks an id. BullMQ takes integers for its own ids, and separates by colons. */
function idOf(value: unknown): string {
  const id = stringOf('options.id', value);
  if (id.includes(':') || /^\d+$/.test(id) || id.length > 512) {
    throw new InvalidArgValueError('options.id', 'a text of 512 characters at most, no colons, and no integer', value);
  }
  return id;
}

/** Returns when a task is due on the store's clock, in whole milliseconds, rounded up; undefined for "now". */
export function dueOf({ clock }: Member, { when, delta }: ClusterScheduleOptions): number | undefined {
  if (when !== undefined) {
    const time = when instanceof Date ? when.getTime() : when;
    return Math.ceil(numberOf('options.when', time, { min: -LARGEST_DATE, max: LARGEST_DATE, standard: 0 }));
  }
  if (delta === undefined) return undefined;
  const given = numberOf('options.delta', delta, { min: -LARGEST_DATE, max: LARGEST_DATE, standard: 0 });
  return Math.min(Math.ceil(clock.now() + clock.uncertainty + given), LARGEST_DATE);
}

/** Returns the options that all tasks have. */
export function commonOptions({ settings }: Member, { priority, attempts }: ClusterScheduleOptions): JobsOptions {
  return {
    priority:
      PRIORITY_OF_ZERO + numberOf('options.priority', priority, { min: -1e6, max: 1e6, whole: true, standard: 0 }),
    attempts: numberOf('options.attempts', attempts, { min: 1, max: 1e6, whole: true, standard: settings.attempts }),
    backoff: { type: 'cluster' },
    removeOnComplete: settings.completed,
    removeOnFail: settings.failed,
  };
}

/** Returns the job for a task. Throws for invalid arguments, before anything is stored. */
export function makeJob(member: Member, name: string, payload: unknown, options: ClusterScheduleOptions = {}): NewJob {
  stringOf('name', name);
  if (typeof options !== 'object' || options === null) throw new InvalidArgTypeError('options', 'an object', options);
  if ((options as { transfer?: unknown }).transfer !== undefined) {
    throw new InvalidArgValueError('options.transfer', 'left out: the payload leaves this process', 'a list');
  }
  const due = dueOf(member, options);
  const timestamp = Math.floor(member.clock.now());
  const { key, id } = options;
  return {
    name,
    data: { v: 1, ...encode(payload, member.settings.maxPayload), ...(due === undefined ? {} : { due }) },
    opts: {
      ...commonOptions(member, options),
      jobId: id === undefined ? randomUUID() : idOf(id),
      timestamp,
      delay: due === undefined ? 0 : Math.max(due - timestamp, 0),
      ...(key === undefined
        ? {}
        : { deduplication: { id: stringOf('options.key', key), replace: true, keepLastIfActive: true } }),
    },
  };
}

/** Returns the jobs for many tasks. Throws if one of them is invalid, or recurring. */
export function makeJobs(member: Member, tasks: Iterable<ClusterSchedule>): NewJob[] {
  return Array.from(tasks, ({ name, payload, options }) => {
    if (options?.interval !== undefined) {
      throw new InvalidArgValueError('options.interval', 'left out: schedule() takes it', options.interval);
    }
    return makeJob(member, name, payload, options);
  });
}

/** Stores a task, and resolves with its id. */
export async function addJob(member: Member, job: NewJob): Promise<string> {
  await member.submit.room(1);
  if (job.opts.deduplication !== undefined) return addWithKey(member, job);
  await member.submit.run(`schedule() of ${job.name}`, () => member.queue.add(job.name, job.data, job.opts));
  return job.opts.jobId;
}

/**
 * Stores a task with a key. BullMQ replaces one of that key that is delayed, and keeps the last one that comes while
 * one runs. It drops a new one while the old one waits: then the waiting task gets the new payload here.
 */
async function addWithKey({ queue, submit }: Member, { name, data, opts }: NewJob): Promise<string> {
  const what = `schedule() of ${name}`;
  let running: string | undefined;
  for (let i = 0; i < MOST_KEY_ATTEMPTS; i++) {
    /* eslint-disable no-await-in-loop -- each step depends on the one before */
    const { id = '' }: TaskJob = await submit.run(what, () => queue.add(name, data, opts));
    // It was stored. If the other one ran before and after, it was kept as the one that follows.
    if (id === opts.jobId || id === running) return opts.jobId;
    const other: TaskJob | undefined = await submit.run(what, () => queue.getJob(id));
    const state = await submit.run(what, async () => other?.getState());
    running = state === 'active' ? id : undefined;
    if (other === undefined || (state !== 'waiting' && state !== 'prioritized')) continue;
    // A claim reads the data in one step with its count of claims. If the count has not changed after the update, no
    // member has the old payload.
    try {
      await submit.run(what, () => other.updateData({ ...data, name }));
    } catch {
      continue; // it has ended, and was removed
    }
    const after: TaskJob | undefined = await submit.run(what, () => queue.getJob(id));
    if (after !== undefined && after.attemptsStarted === other.attemptsStarted) return id;
    /* eslint-enable no-await-in-loop */
  }
  throw new Error(`The task with the key ${JSON.stringify(opts.deduplication?.id)} changed its state all the time`);
}

/** Stores many tasks with one command, and resolves with their ids. Those with a key take a command each. */
export async function addJobs(member: Member, jobs: NewJob[]): Promise<string[]> {
  const plain = jobs.filter(({ opts }) => opts.deduplication === undefined);
  await member.submit.room(plain.length);
  if (plain.length > 0) await member.submit.run('scheduleAll()', () => member.queue.addBulk(plain));
  const keyed = jobs.filter(({ opts }) => opts.deduplication !== undefined);
  const ids = new Map<NewJob, string>();
  for (const job of keyed) {
    // eslint-disable-next-line no-await-in-loop -- the last one of a key must win
    ids.set(job, await addJob(member, job));
  }
  return jobs.map((job) => ids.get(job) ?? job.opts.jobId);
}
