/** What is changed in the backend of a worker: commands of BullMQ that go wrong while the store is away. */

import { type IQueueBackend } from 'bullmq';

import { giveBack } from './errors';
import { type Leases } from './lease';
import { type Settings } from './options';
import { delay, isAwayError } from './waiting';

/** How long to wait before the end of a task is stored again. */
const SETTLE_PAUSE = 200;

/** Notes in `leases` which leases the store has renewed, by the time at which that was asked for. */
export function watchRenewals(backend: IQueueBackend, leases: Leases): void {
  const stock = backend.extendLocks.bind(backend);
  backend.extendLocks = async (ids, tokens, duration) => {
    const sentAt = performance.now();
    const lost = await stock(ids, tokens, duration);
    leases.renew(
      ids.filter((id) => !lost.includes(id)),
      sentAt,
    );
    for (const id of lost) leases.lose(id);
    return lost;
  };
}

/**
 * Tries to store the end of a task again while the store is away, for as long as the lease may hold. A task whose end
 * cannot be stored has not failed: BullMQ would note a failure. It runs again when its lease has passed.
 */
export function settleStubbornly(backend: IQueueBackend, { lease }: Settings): void {
  const stock = backend.moveToCompleted.bind(backend);
  backend.moveToCompleted = async (...args: Parameters<typeof stock>) => {
    const deadline = performance.now() + lease;
    for (;;) {
      try {
        // eslint-disable-next-line no-await-in-loop -- one attempt after the other
        return await stock(...args);
      } catch (error) {
        const mayHelp = isAwayError(error) || /MISCONF|OOM|No space/i.test((error as Error).message);
        if (!mayHelp || backend.closing !== undefined || performance.now() >= deadline) throw giveBack(error);
      }
      // eslint-disable-next-line no-await-in-loop
      await delay(SETTLE_PAUSE);
    }
  };
}
