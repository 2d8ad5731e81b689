import { type WaitableEvent } from 'waitable-event';

import { TIME_LIMIT } from '../threads';
import { WorkerHarness } from '../worker-harness';

/** The ways to wait that fixtures/event/wait-once.js has. */
export type Way =
  | 'wait'
  | 'waitPlain'
  | 'waitUndefined'
  | 'waitAsync'
  | 'iterate'
  | 'select'
  | 'selectAsync'
  | 'nested'
  | 'guarded'
  | 'runSync'
  | 'run'
  | 'nothing';

/** What fixtures/event/wait-once.js posts. */
export interface Outcome {
  outcome?: unknown;
  elapsed?: number;
  code?: string;
}

/** Starts a worker that waits for the event, by default for the time limit of the tests. */
export function startWaiter(event: WaitableEvent, way: Way, timeout: number = TIME_LIMIT): WorkerHarness {
  return new WorkerHarness('event/wait-once.js', { handle: event.handle, way, timeout });
}

/** Starts a worker for each way, and resolves when all sleep. */
export async function startWaiters(
  event: WaitableEvent,
  ways: readonly Way[],
  timeout?: number,
): Promise<WorkerHarness[]> {
  const waiters = ways.map((way) => startWaiter(event, way, timeout));
  await Promise.all(waiters.map((waiter) => waiter.blocked()));
  return waiters;
}

/** Returns the outcome of each waiter, or the code of its error. */
export async function outcomes(waiters: readonly WorkerHarness[]): Promise<unknown[]> {
  const messages = await Promise.all(waiters.map((waiter) => waiter.next<Outcome>()));
  return messages.map(({ outcome, code }) => code ?? outcome);
}
