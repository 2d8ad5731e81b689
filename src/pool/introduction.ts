/** What a worker and the thread that starts it tell each other before the first task. */

import { type EventHandle, WaitableEvent, closeWithThread } from '../event';
import { workerThreads } from '../platform';
import type { TaskManagerHandle } from '../protocol';
import { type SerializedError, serializeError } from '../transport';
import { EventClosedError, InvalidHandleError } from '../util';

/** What a worker is told. It travels as environment data, so that `workerData` is the program's alone. */
export interface Start {
  /** The number of the thread that it is meant for. A worker of that worker inherits the data too. */
  readonly thread: Int32Array;
  /** The URL of the module that the worker loads. */
  readonly module: string;
  /** The channel on which the worker answers, once. */
  readonly channel: string;
  /** Is set after the answer. It closes when the thread ends. */
  readonly answered: EventHandle;
  /** The manager of the thread that starts the worker. */
  readonly parent: TaskManagerHandle;
  /** How many promises of handlers may be pending at the same time. */
  readonly concurrency: number;
}

/** The answer of a worker: its manager, or what the module threw while it was loaded. */
export type Answer =
  { readonly handle: TaskManagerHandle } | { readonly error: SerializedError | { readonly value: unknown } };

const KEY = 'waitable-event.worker';

/** The names of tasks that every served worker has. */
export const IDLE_TASK = 'waitable-event.idle';
export const STOP_TASK = 'waitable-event.stop';
export const PING_TASK = 'waitable-event.ping';

/** Offers `start` to the next worker that this thread makes. Returns what withdraws the offer. */
export function offerStart(start: Start): () => void {
  const { getEnvironmentData, setEnvironmentData } = workerThreads();
  const before = getEnvironmentData(KEY);
  setEnvironmentData(KEY, start);
  return () => setEnvironmentData(KEY, before);
}

/** Returns what this worker was told, if it was, and says that it is the worker that was meant. */
export function claimStart(): Start | undefined {
  const { getEnvironmentData, threadId } = workerThreads();
  const start = getEnvironmentData(KEY) as unknown as Start | undefined;
  if (start !== undefined) {
    start.thread[0] = threadId;
  }
  return start;
}

/** Returns what this thread was told when it was started, or `undefined` when no TaskWorker has started it. */
export function currentStart(): Start | undefined {
  const { getEnvironmentData, threadId } = workerThreads();
  const start = getEnvironmentData(KEY) as unknown as Start | undefined;
  return start?.thread[0] === threadId ? start : undefined;
}

/** The event of the answer, once this thread has opened it. Without a reference the collector would close it. */
let answered: WaitableEvent | undefined;

/**
 * Closes the event of the answer when this thread ends: a thread that blocks for the answer learns of it. Returns false
 * when the thread that has started this one does not wait any more. It has terminated this one, which in Deno may go on
 * for a while.
 */
export function openAnswer(start: Start): boolean {
  return unlessClosed(() => {
    answered = WaitableEvent.open(start.answered);
    answered[closeWithThread]();
  });
}

/** Uses the event of the answer. Returns false when the thread that waited has closed it. */
function unlessClosed(use: () => void): boolean {
  try {
    use();
    return true;
  } catch (error) {
    if (error instanceof InvalidHandleError || error instanceof EventClosedError) {
      return false;
    }
    throw error;
  }
}

/** Sends the answer: first the message, then the event, since a thread that blocks reads the channel after it. */
export function answer(start: Start, result: { handle: TaskManagerHandle } | { thrown: unknown }): void {
  const { BroadcastChannel } = workerThreads();
  const message: Answer = 'handle' in result ? result : { error: serializeError(result.thrown) };
  const channel = new BroadcastChannel(start.channel);
  channel.postMessage(message);
  channel.close();
  unlessClosed(() => {
    // Another copy of the package may have opened the event.
    answered ??= WaitableEvent.open(start.answered);
    answered.set();
  });
}
