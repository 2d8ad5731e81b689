import { type Member } from './member';
import { type TaskJob } from './task-data';
import { type ClusterStats } from './types';

/** Reads the counts of the queue, and adds those of this member. */
export async function readStats({ queue, submit, clock, counts }: Member, leasesLost: number): Promise<ClusterStats> {
  return submit.run('stats()', async () => {
    const found = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'completed', 'failed');
    const { waiting = 0, prioritized = 0, active = 0, delayed = 0, completed = 0, failed = 0 } = found;
    const first: (TaskJob | undefined)[] = [...(await queue.getWaiting(0, 0)), ...(await queue.getPrioritized(0, 0))];
    const since = first.map((job) => (job === undefined ? Infinity : Math.max(job.timestamp, job.data.due ?? 0)));
    return {
      waiting: waiting + prioritized,
      running: active,
      delayed,
      completed,
      failed,
      oldestWaiting: since.length === 0 ? 0 : Math.max(clock.now() - Math.min(...since), 0),
      leasesLost,
      ...counts,
      clockSkew: clock.skew,
    };
  });
}
