/**
 * The way of worker threads to the queue. The thread that joined owns a small task manager, which schedules, calls and
 * cancels for the other threads: they need no connection of their own, and may block.
 */

import { RunLoop, type RemoteTaskManager, TaskManager, type TaskContext, type TaskManagerHandle } from 'waitable-event';

import {
  type ClusterCancelOutcome,
  type ClusterScheduleOptions,
  type ClusterTask,
  type Handlers,
  type PayloadOf,
  type ResultOf,
} from './types';

/** What the gateway does for other threads. */
interface Owner {
  schedule(name: string, payload: unknown, options: ClusterScheduleOptions): Promise<ClusterTask>;
  call(name: string, payload: unknown, options: { signal: AbortSignal }): Promise<unknown>;
  task(id: string): ClusterTask;
}

type ScheduleRequest = [name: string, payload: unknown, options: ClusterScheduleOptions];

export class Gateway {
  readonly #loop = new RunLoop();
  readonly #manager: TaskManager;

  constructor(owner: Owner, onError: (error: unknown, name: string) => void) {
    this.#manager = new TaskManager({ loop: this.#loop, onError });
    this.#manager.define('schedule', async ([name, payload, options]: ScheduleRequest) => {
      const { id } = await owner.schedule(name, payload, options);
      return id;
    });
    this.#manager.define('call', ([name, payload]: [string, unknown], { signal }: TaskContext) =>
      owner.call(name, payload, { signal }),
    );
    this.#manager.define('cancel', (id: string) => owner.task(id).cancel());
    void this.#loop.run();
  }

  get handle(): TaskManagerHandle {
    return this.#manager.handle;
  }

  close(): void {
    this.#manager.close();
    this.#loop.close();
  }
}

/** The queue as a worker thread sees it. `ClusterTaskManager.connect()` makes one. */
export class RemoteClusterTaskManager<H extends Handlers = Handlers> {
  readonly #remote: RemoteTaskManager;

  /** @internal */
  constructor(handle: TaskManagerHandle) {
    this.#remote = TaskManager.connect(handle);
  }

  /** Schedules a task, and resolves with its id when the store has it. */
  schedule<Name extends keyof H & string>(
    name: Name,
    payload?: PayloadOf<H, Name>,
    options: ClusterScheduleOptions = {},
  ): Promise<string> {
    return this.#remote.call('schedule', [name, payload, options]) as Promise<string>;
  }

  /** Does the same as `schedule()`, and blocks this thread until the store has the task. */
  scheduleSync<Name extends keyof H & string>(
    name: Name,
    payload?: PayloadOf<H, Name>,
    options: ClusterScheduleOptions = {},
  ): string {
    return this.#remote.callSync('schedule', [name, payload, options]) as string;
  }

  /** Runs a task in a member, and resolves with its result. */
  call<Name extends keyof H & string>(
    name: Name,
    payload?: PayloadOf<H, Name>,
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<ResultOf<H, Name>> {
    return this.#remote.call('call', [name, payload], options) as Promise<ResultOf<H, Name>>;
  }

  /** Does the same as `call()`, and blocks this thread for the result. */
  callSync<Name extends keyof H & string>(
    name: Name,
    payload?: PayloadOf<H, Name>,
    options: { timeout?: number } = {},
  ): ResultOf<H, Name> {
    return this.#remote.callSync('call', [name, payload], options) as ResultOf<H, Name>;
  }

  /** Cancels a task. */
  cancel(id: string): Promise<ClusterCancelOutcome> {
    return this.#remote.call('cancel', id) as Promise<ClusterCancelOutcome>;
  }

  /** Ends the connection to the thread that joined. */
  close(): void {
    this.#remote.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
