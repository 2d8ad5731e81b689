/** What a task is in the store: the data of BullMQ's job. */

import { type IQueueBackend, type Job, type Queue, type QueueEvents } from 'bullmq';

import { type Encoded } from './codec';
import { type StoredError } from './error-envelope';

export interface TaskData extends Partial<{ json: unknown; v8: string }> {
  /** The version of this format. Tasks of other languages may leave it out. */
  v?: 1;
  /** When the task is due, on the store's clock. */
  due?: number;
  /** The handler's name, where a later task with the same key has replaced the job's. */
  name?: string;
  /** A caller waits for the result. */
  call?: true;
  /** The task must not run any more. */
  cancelled?: true;
  /** The task must not run until this is gone. */
  suspended?: true;
  /** The task is recurring, with this interval and offset. */
  interval?: number;
  offset?: number;
}

/** What a job returns. */
export interface TaskResult {
  ok?: Encoded;
  error?: StoredError;
  /** The task was cancelled; `ran` tells that it had begun. */
  cancelled?: true;
  ran?: true;
  /** The point of a recurring task was skipped. */
  skipped?: true;
}

export type TaskJob = Job<TaskData, TaskResult | null>;

/** BullMQ's classes, with whatever backend the store has. */
export type TaskQueue = Queue<TaskData, TaskResult | null, string, TaskData, TaskResult | null, string, IQueueBackend>;
export type Events = QueueEvents<object, IQueueBackend>;

/** A time that does not come: the year 2200. */
export const NEVER = 7_258_118_400_000;

/** The name that BullMQ gives to the jobs of a job scheduler. Their last part is the point of the grid. */
const RECURRING_JOB = /^repeat:.*:(\d+)$/s;

/** Returns when a job is due on the store's clock; -Infinity when it has no time. */
export function dueTime(job: TaskJob): number {
  const point = RECURRING_JOB.exec(job.id ?? '')?.[1];
  return point === undefined ? (job.data.due ?? -Infinity) : Number(point);
}
