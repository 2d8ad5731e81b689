/** Claimed tasks that must not run yet, or not at all. */

import { DelayedError } from 'bullmq';

import { type Member } from './member';
import { NEVER, type TaskJob, dueTime } from './task-data';
import { delay } from './waiting';

/** How long a task is held in this process when this machine's clock is ahead. Those due later go back to the store. */
const LONGEST_HOLD = 120_000;

/** Waits in this process, or in the store, for a task whose time has not come by the store's clock. */
export async function untilDue(
  { clock }: Member,
  job: TaskJob,
  token: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const due = dueTime(job);
  for (;;) {
    const left = due + clock.uncertainty - clock.now();
    if (!(left > 0) || signal.aborted) return;
    if (left > LONGEST_HOLD) {
      // eslint-disable-next-line no-await-in-loop -- this ends the loop
      await job.moveToDelayed(due, token);
      throw new DelayedError();
    }
    // eslint-disable-next-line no-await-in-loop -- timers may be early
    await delay(left, signal);
  }
}

/**
 * Puts a suspended task off for good. `resume()` clears the mark, and then looks whether the task is put off. So
 * either it finds the task there, or this process finds the mark cleared.
 */
export async function park({ queue }: Member, job: TaskJob, token: string | undefined): Promise<never> {
  await job.moveToDelayed(NEVER, token);
  const now: TaskJob | undefined = await queue.getJob(String(job.id));
  if (now !== undefined && !now.data.suspended) await now.promote().catch(() => undefined);
  throw new DelayedError();
}

/** Returns whether an earlier run of a recurring task is still active in a member. */
export async function overlaps({ queue }: Member, job: TaskJob): Promise<boolean> {
  const active: (TaskJob | undefined)[] = await queue.getActive();
  const point = dueTime(job);
  return active.some((other) => other?.repeatJobKey === job.repeatJobKey && dueTime(other as TaskJob) < point);
}
