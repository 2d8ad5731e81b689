import { type RunLoop, TaskManager, type TaskManagerHandle, type TaskManagerOptions } from 'waitable-event';

import { finallyDo } from '../clean-up';
import { startLoop } from '../run-loop/loops';
import { TIME_LIMIT, until } from '../threads';
import { within } from '../timing';
import { WorkerHarness } from '../worker-harness';

/** An error in a worker, in a form that could be posted. */
export interface Thrown {
  name: string;
  message: string;
  stack?: string;
  code?: string | number;
  cause?: unknown;
  own?: string[];
}

interface Answer {
  number: number;
  value?: unknown;
  thrown?: Thrown;
}

/** A task manager of this thread, with a handler that returns its payload and one that logs it. */
export class Owner {
  readonly loop: RunLoop;
  readonly manager: TaskManager;
  readonly log: unknown[] = [];
  readonly errors: [code: unknown, name: string][] = [];

  constructor(options: TaskManagerOptions & { loop?: RunLoop } = {}) {
    this.loop = options.loop ?? startLoop();
    this.manager = new TaskManager({
      onError: (error, name) => this.errors.push([(error as { code?: unknown }).code ?? String(error), name]),
      ...options,
      loop: this.loop,
    });
    this.manager.define('echo', (payload) => payload);
    this.manager.define('log', (payload) => this.log.push(payload));
    finallyDo(() => this.manager.close());
  }

  /** Resolves when `count` payloads have come. */
  async logged(count: number): Promise<unknown[]> {
    await until(
      () => this.log.length >= count,
      () => `${count} payloads, not ${JSON.stringify(this.log)}`,
    );
    return this.log;
  }
}

/**
 * A worker that is connected to a task manager, and does what the test asks for: see
 * fixtures/remote/produce-on-demand.js.
 */
export class Producer extends WorkerHarness {
  #number = 0;
  readonly #waiting = new Map<number, (answer: Answer | Error) => void>();

  constructor(handle: TaskManagerHandle, data: object = {}) {
    super('remote/produce-on-demand.js', { handle, ...data });
  }

  protected override onMessage(message: unknown): void {
    const answer = message as Answer;
    this.#waiting.get(answer.number)?.(answer);
    this.#waiting.delete(answer.number);
  }

  protected override onExit(failure: Error): void {
    this.#waiting.forEach((settle) => settle(failure));
  }

  /** Resolves with what the worker returns for an action. */
  async do<T = unknown>(action: string, ...args: unknown[]): Promise<T> {
    const answer = await this.#ask(action, args);
    if (answer.thrown !== undefined) {
      throw Object.assign(new Error(answer.thrown.message), answer.thrown);
    }
    return answer.value as T;
  }

  /** Resolves with the error of an action that fails. */
  async fails(action: string, ...args: unknown[]): Promise<Thrown> {
    const answer = await this.#ask(action, args);
    if (answer.thrown === undefined) {
      throw new Error(`${action} did not throw but returned ${JSON.stringify(answer.value)}`);
    }
    return answer.thrown;
  }

  async #ask(action: string, args: unknown[]): Promise<Answer> {
    this.#number += 1;
    const number = this.#number;
    const answer = new Promise<Answer | Error>((resolve) => {
      if (this.failure === undefined) {
        this.#waiting.set(number, resolve);
      } else {
        resolve(this.failure);
      }
    });
    this.worker.postMessage({ number, action, args });
    const settled = await within(answer, `${action} in a worker`, 2 * TIME_LIMIT);
    if (settled instanceof Error) {
      throw settled;
    }
    return settled;
  }
}

/** A worker that owns a task manager: see fixtures/remote/own-task-manager.js. */
export class RemoteOwner extends WorkerHarness {
  private constructor(data: object) {
    super('remote/own-task-manager.js', data);
  }

  static async start(
    way: 'run' | 'runSync' | 'sleep' | 'spin',
    options?: TaskManagerOptions,
  ): Promise<[owner: RemoteOwner, handle: TaskManagerHandle]> {
    const owner = new RemoteOwner({ way, options });
    return [owner, await owner.next<TaskManagerHandle>()];
  }
}
