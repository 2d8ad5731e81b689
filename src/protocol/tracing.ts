/**
 * Tracing: the diagnostics channels of tasks, and what their subscribers send along with a task.
 *
 * Nothing is made or sent where nothing has subscribed: a `schedule()` looks at one channel, and a pass of a loop at
 * five, for all of its tasks.
 */

import { type Channel, channel } from 'node:diagnostics_channel';

import { isThenable } from '../util';

/** What a subscriber at the sender sends along with a task, such as a `traceparent`. */
export type TaskCarrier = Readonly<Record<string, string>>;

/**
 * The message on the diagnostics channel `waitable-event:task:send`: a thread is about to schedule or to call a task.
 * What a subscriber puts into `carrier` travels with the task.
 */
export interface TaskSendMessage {
  /** The name of the task. */
  readonly name: string;
  /** Empty. Strings that are put into it arrive as `context.carrier` of the handler. */
  readonly carrier: Record<string, string>;
}

/**
 * The message on the channels of `tracingChannel('waitable-event:task')`: `start`, `end`, `asyncStart`, `asyncEnd` and
 * `error`. One object for all messages of a run.
 */
export interface TaskTraceMessage {
  /** The name of the task, or the class of a task of the manager's own thread. */
  readonly name: string;
  /** Its number among the tasks of its connection: the `id` of the ScheduledTask. `undefined` for a Task. */
  readonly id: number | undefined;
  /** The `threadId` of the thread that has sent the task. */
  readonly thread: number;
  /** When the task was due, in milliseconds since the epoch; `undefined` if it was as soon as possible. */
  readonly due: number | undefined;
  /** What a subscriber at the sender has sent along, if anything. */
  readonly carrier: TaskCarrier | undefined;
  /** What the handler has returned, or what its promise has resolved with. */
  result?: unknown;
  /** What the handler has thrown, or what its promise was rejected with. */
  error?: unknown;
}

/** Looked at for each task that is sent: `hasSubscribers`. */
export const sendChannel: Channel = channel('waitable-event:task:send');

// As tracingChannel() names them. Bun 1.2 has no such function.
const startChannel = channel('tracing:waitable-event:task:start');
const endChannel = channel('tracing:waitable-event:task:end');
const asyncStartChannel = channel('tracing:waitable-event:task:asyncStart');
const asyncEndChannel = channel('tracing:waitable-event:task:asyncEnd');
const errorChannel = channel('tracing:waitable-event:task:error');

/** Whether runs of tasks are traced. A task looks at this alone. */
export let isTracing: boolean = false;

/** Looks whether the channels have subscribers: at the begin of each pass. */
export function updateTracing(): void {
  isTracing =
    startChannel.hasSubscribers ||
    endChannel.hasSubscribers ||
    asyncStartChannel.hasSubscribers ||
    asyncEndChannel.hasSubscribers ||
    errorChannel.hasSubscribers;
}

/** Announces a task that is sent. Returns what its subscribers send along, if anything. */
export function announceSend(name: string): TaskCarrier | undefined {
  if (!sendChannel.hasSubscribers) {
    return undefined;
  }
  const message: TaskSendMessage = { name, carrier: {} };
  sendChannel.publish(message);
  return toCarrier(message.carrier);
}

/** Returns the strings of an object that came from a subscriber, or from another thread; `undefined` without any. */
export function toCarrier(value: unknown): TaskCarrier | undefined {
  const entries = Object.entries(value ?? {}).filter(([, text]) => typeof text === 'string');
  return entries.length === 0 ? undefined : Object.freeze(Object.fromEntries(entries));
}

/** Calls `run`, and publishes what becomes of it, as `tracePromise()` does; what is no promise stays what it is. */
export function traceRun(message: TaskTraceMessage, run: () => unknown): unknown {
  return startChannel.runStores(message, () => {
    try {
      const result = run();
      if (isThenable(result)) {
        return traceEnd(message, result);
      }
      message.result = result;
      return result;
    } catch (error) {
      publishError(message, error);
      throw error;
    } finally {
      endChannel.publish(message);
    }
  });
}

/** Publishes the end of a promise. A `then()` of the user is called once. */
function traceEnd(message: TaskTraceMessage, result: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(result).then(
    (value) => {
      message.result = value;
      asyncStartChannel.publish(message);
      asyncEndChannel.publish(message);
      return value;
    },
    (error: unknown) => {
      publishError(message, error);
      asyncStartChannel.publish(message);
      asyncEndChannel.publish(message);
      throw error;
    },
  );
}

function publishError(message: TaskTraceMessage, error: unknown): void {
  message.error = error;
  errorChannel.publish(message);
}
