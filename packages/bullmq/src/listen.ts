/** Listens for the ends of tasks. */

import { QueueEvents } from 'bullmq';

import { type Member } from './member';
import { type Events, type TaskResult } from './task-data';
import { isAwayError } from './waiting';

interface Listeners {
  completed(id: string, result: TaskResult | null): void;
  failed(id: string, reason: string): void;
}

/** Resolves when it listens. Events since a moment ago are read, too: none is missed until the first read. */
export async function listen({ settings, store, clock }: Member, listeners: Listeners): Promise<Events> {
  const lastEventId = store.eventsSince(clock.now() - clock.uncertainty - 1);
  const events: Events = new QueueEvents(
    settings.queue,
    { connection: store.connection as never, ...(lastEventId === undefined ? {} : { lastEventId }) },
    store.createBackend,
  );
  events.on('error', (error) => {
    if (!isAwayError(error)) settings.onError(error);
  });
  // BullMQ parses it, and says that it is a text.
  events.on('completed', ({ jobId, returnvalue }) =>
    listeners.completed(jobId, returnvalue as unknown as TaskResult | null),
  );
  events.on('failed', ({ jobId, failedReason }) => listeners.failed(jobId, failedReason));
  await events.waitUntilReady();
  return events;
}
