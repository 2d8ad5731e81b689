/** A worker that serves, as the thread that has started it sees it. */

import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BroadcastChannel, Worker, type WorkerOptions, receiveMessageOnPort } from 'node:worker_threads';

import type { RemoteTaskManager } from '../client';
import { WaitableEvent } from '../event';
import { canReadChannels, clearTimeout, reserveStack, setTimeout } from '../platform';
import type { UntypedHandlers } from '../protocol';
import { core } from '../run-loop';
import { TaskManager } from '../task-manager';
import { deserializeError } from '../transport';
import {
  EventClosedError,
  InvalidArgTypeError,
  InvalidArgValueError,
  WorkerFailedError,
  WorkerNotReadyError,
  validateInteger,
  validateOptions,
  validateTimeout,
} from '../util';
import { type Answer, IDLE_TASK, STOP_TASK, type Start, offerStart } from './introduction';

/** The module that a worker starts with. */
const MAIN = './worker-main.js';

/**
 * How long, in milliseconds, the answer of a worker that has ended may be on its way, where the event loop alone can
 * read it.
 */
const ARRIVAL = 1000;

/** Options of `new TaskWorker()`: those of a Worker, except `eval`, and these. */
export interface TaskWorkerOptions extends Omit<WorkerOptions, 'eval'> {
  /**
   * The task manager that `parent()` returns in the worker.
   * @default `core.taskManager`
   */
  parent?: TaskManager | undefined;
  /**
   * How many promises of handlers may be pending in the worker at the same time. Further tasks wait.
   * @default Infinity
   */
  concurrency?: number | undefined;
}

/** What has become of a worker. */
interface State<Handlers> {
  readonly answered: WaitableEvent;
  readonly channel: BroadcastChannel;
  readonly ready: Promise<RemoteTaskManager<Handlers>>;
  readonly exited: Promise<number>;
  readonly resolve: (tasks: RemoteTaskManager<Handlers>) => void;
  readonly reject: (error: unknown) => void;
  tasks: RemoteTaskManager<Handlers> | undefined;
  failure: Error | undefined;
  /** The error that has ended the worker. */
  uncaught: unknown;
  closing: Promise<void> | undefined;
}

const states = new WeakMap<TaskWorker, State<UntypedHandlers>>();

/**
 * A Worker whose module calls `serve()`. `Handlers` is the interface of its handlers.
 *
 * A module that cannot be loaded rejects `ready`. Errors that end the worker later are emitted as `'error'`, too, but
 * need no listener: they reject the calls that are pending.
 *
 * @example
 * const worker = new TaskWorker(new URL('./worker.js', import.meta.url));
 * await worker.ready;
 * console.log(await worker.tasks.call('add', [1, 2])); // 3
 * await worker.close();
 */
export class TaskWorker<Handlers = UntypedHandlers> extends Worker {
  /**
   * Starts a worker. `filename` is an absolute path, a path relative to the working directory, or a `file:` URL.
   *
   * Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid arguments, and what `new Worker()` throws.
   */
  constructor(filename: string | URL, options?: TaskWorkerOptions) {
    reserveStack();
    const { parent, concurrency, ...workerOptions } = validate(options);
    const answered = new WaitableEvent();
    const start: Start = {
      thread: new Int32Array(new SharedArrayBuffer(4)),
      module: toUrl(filename),
      channel: `waitable-event.${randomUUID()}`,
      answered: answered.handle,
      parent: parent.handle,
      concurrency,
    };
    // It listens before the worker can answer.
    const channel = new BroadcastChannel(start.channel);
    const withdraw = offerStart(start);
    super(join(__dirname, MAIN), workerOptions);
    withdraw();
    states.set(this, observe(this, answered, channel));
  }

  /**
   * Resolves with `tasks` when the worker serves. Rejects with the error of a module that cannot be loaded, and with
   * `ERR_WORKER_FAILED` when the worker ends before it serves.
   */
  get ready(): Promise<RemoteTaskManager<Handlers>> {
    return stateOf(this).ready;
  }

  /**
   * Blocks this thread until the worker serves, and returns `tasks`. For programs that are synchronous.
   *
   * Throws what `ready` rejects with, and `ERR_WORKER_NOT_READY` after `timeout` milliseconds. On Bun and Deno it does
   * not wait, because a blocked thread cannot hear there that the worker serves. It throws `ERR_WORKER_NOT_READY` until
   * `ready` is settled.
   *
   * @example
   * const sum = worker.readySync(5000).callSync('add', [1, 2]);
   */
  readySync(timeout?: number): RemoteTaskManager<Handlers> {
    reserveStack();
    const milliseconds = validateTimeout(timeout, 'timeout');
    const state = stateOf(this);
    if (canReadChannels && state.tasks === undefined && state.failure === undefined) {
      let hasEnded = false;
      try {
        state.answered.wait(milliseconds);
      } catch (error) {
        if (!(error instanceof EventClosedError)) {
          throw error;
        }
        hasEnded = true;
      }
      receive(state);
      if (hasEnded) {
        fail(state, new WorkerFailedError('ended before it served'));
      }
    }
    return this.tasks;
  }

  /**
   * The worker's task manager. Throws `ERR_WORKER_NOT_READY` before the worker serves, and what `ready` rejects with
   * when it never will.
   */
  get tasks(): RemoteTaskManager<Handlers> {
    const state = stateOf(this);
    if (state.failure !== undefined) {
      throw state.failure;
    }
    if (state.tasks === undefined) {
      throw new WorkerNotReadyError();
    }
    return state.tasks;
  }

  /**
   * Ends the worker after it has answered what was asked, and resolves when it has ended. Tasks that wait for a later
   * time do not run. A worker that does not serve yet is terminated.
   */
  async close(): Promise<void> {
    const state = stateOf(this);
    state.closing ??= end(this, state);
    await state.closing;
  }

  /** Calls `close()` at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Resolves with the exit code of a worker when its thread has ended. */
export function exitOf(worker: TaskWorker): Promise<number> {
  return stateOf(worker).exited;
}

/** Returns the error that has ended a worker, if there was one. */
export function uncaughtOf(worker: TaskWorker): unknown {
  return stateOf(worker).uncaught;
}

function stateOf<Handlers>(worker: TaskWorker<Handlers>): State<Handlers> {
  return states.get(worker) as State<Handlers>;
}

async function end(worker: TaskWorker, state: State<UntypedHandlers>): Promise<void> {
  worker.ref();
  try {
    if (state.tasks === undefined) {
      fail(state, new WorkerFailedError('was closed before it served'));
      await worker.terminate();
    } else {
      // The replies to earlier calls come before the one to this call.
      await state.tasks.call(IDLE_TASK);
      state.tasks.schedule(STOP_TASK);
    }
  } catch {
    // It has ended meanwhile.
  }
  await state.exited;
}

/** Follows a worker from its start to its end. */
function observe(worker: Worker, answered: WaitableEvent, channel: BroadcastChannel): State<UntypedHandlers> {
  let settle: Pick<State<UntypedHandlers>, 'resolve' | 'reject'> | undefined;
  const ready = new Promise<RemoteTaskManager>((resolveReady, reject) => {
    settle = { resolve: resolveReady, reject };
  });
  // `tasks` throws the same error.
  ready.catch(() => {});
  const exited = new Promise<number>((resolveExit) => {
    worker.once('exit', resolveExit);
  });
  const state = { answered, channel, ready, exited, ...settle } as State<UntypedHandlers>;
  worker.on('error', (error: unknown) => {
    state.uncaught ??= error;
  });
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the other one is not declared for this class
  channel.onmessage = (message) => accept(state, (message as { data: Answer }).data);
  (channel as unknown as { unref(): void }).unref();
  void exited.then(async (code) => {
    if (canReadChannels) {
      receive(state);
    } else {
      await arrival(state);
    }
    fail(state, new WorkerFailedError(`ended with the exit code ${code} before it served`, state.uncaught));
    return answered.close();
  });
  return state;
}

/** Waits until the event loop has read the answer, or none comes. */
function arrival({ ready }: State<UntypedHandlers>): Promise<void> {
  return new Promise((resolveArrival) => {
    const timer = setTimeout(resolveArrival, ARRIVAL);
    const onSettled = (): void => {
      clearTimeout(timer);
      resolveArrival();
    };
    ready.then(onSettled, onSettled);
  });
}

/** Reads the answer where the event loop has not: while this thread blocks, or when the worker has just ended. */
function receive(state: State<UntypedHandlers>): void {
  if (state.tasks === undefined && state.failure === undefined) {
    const received = receiveMessageOnPort(state.channel as never);
    if (received !== undefined) {
      accept(state, received.message as Answer);
    }
  }
}

function accept(state: State<UntypedHandlers>, answer: Answer): void {
  if (state.tasks !== undefined || state.failure !== undefined) {
    return;
  }
  if ('error' in answer) {
    fail(state, deserializeError(answer.error));
    return;
  }
  try {
    state.tasks = TaskManager.connect(answer.handle);
    state.channel.close();
    state.resolve(state.tasks);
  } catch (error) {
    // It has ended just now.
    fail(state, new WorkerFailedError('ended when it had just begun to serve', error));
  }
}

function fail(state: State<UntypedHandlers>, error: unknown): void {
  if (state.tasks === undefined && state.failure === undefined) {
    state.failure = error as Error;
    state.channel.close();
    state.reject(error);
  }
}

function toUrl(filename: unknown): string {
  if (filename instanceof URL) {
    return filename.href;
  }
  if (typeof filename !== 'string') {
    throw new InvalidArgTypeError('filename', 'a path or a URL', filename);
  }
  return filename.startsWith('file:') ? filename : pathToFileURL(resolve(filename)).href;
}

function validate(
  options: TaskWorkerOptions | undefined,
): WorkerOptions & { parent: TaskManager; concurrency: number } {
  validateOptions(options);
  const { parent = core.taskManager, concurrency = Infinity, ...rest } = options ?? {};
  if (!(parent instanceof TaskManager)) {
    throw new InvalidArgTypeError('options.parent', 'a TaskManager', parent);
  }
  if ('eval' in rest && rest.eval !== undefined && rest.eval !== false) {
    throw new InvalidArgValueError('options.eval', 'left out: a TaskWorker loads a module', rest.eval);
  }
  if (concurrency !== Infinity) {
    validateInteger('options.concurrency', concurrency, 1, 2 ** 31 - 1);
  }
  return { ...(rest as WorkerOptions), parent, concurrency };
}
