import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { afterEach } from '@jest/globals';
import { RunLoop, TaskManager, type TaskManagerHandle, type TaskManagerOptions } from 'waitable-event';

import { codeOf, countDescriptors, rejectionOf, report, within } from './helpers';

export { codeOf, countDescriptors, rejectionOf, report, within };

interface Threads {
  readonly PHASE: number;
  readonly COUNT: number;
  readonly STOP: number;
  readonly PATIENCE: number;
  isBlocked: (words: Int32Array, phase: number) => boolean;
}

/** What the fixtures have too. */
export const threads: Threads = require('./task-threads.js') as Threads;

export const { PATIENCE, COUNT } = threads;

/** What a worker was thrown, in a form that could be posted. */
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

const cleanUps: (() => unknown)[] = [];

// For every file that uses this one.
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    await cleanUp();
  }
});

/** Has `cleanUp` called when the test is over. */
export function finallyDo(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp);
}

/** Turns this thread's event loop until `condition` holds. */
export async function until(
  condition: () => boolean,
  what: string | (() => string),
  milliseconds: number = PATIENCE,
): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!condition()) {
    if (Date.now() > deadline) {
      throw new Error(`Waited ${milliseconds} ms in vain: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Counts the passes that a loop makes from now on. */
export function countPasses(loop: RunLoop): { passes: number } {
  const count = { passes: 0 };
  (loop as unknown as { attach: (source: object) => void }).attach({
    nextDue: () => Infinity,
    runDue: () => {
      count.passes += 1;
      return false;
    },
    beforeSleep: () => true,
    listen: () => {},
  });
  return count;
}

/** A loop that runs until the test is over. */
export function startLoop(): RunLoop {
  const loop = new RunLoop();
  const ended = loop.run();
  finallyDo(async () => {
    loop.stop();
    await within(ended, 'the end of a loop');
  });
  return loop;
}

/** A task manager of this thread, with a handler that echoes and one that writes down what it gets. */
export class Owner {
  readonly loop: RunLoop;
  readonly manager: TaskManager;
  readonly log: unknown[] = [];
  readonly errors: [code: unknown, name: string][] = [];

  constructor(options: TaskManagerOptions = {}) {
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

  /** Resolves when so many payloads came. */
  async logged(count: number): Promise<unknown[]> {
    await until(
      () => this.log.length >= count,
      () => `${count} payloads, not ${JSON.stringify(this.log)}`,
    );
    return this.log;
  }
}

/** A worker that runs a fixture, and the words that it shares with the test. */
export class Thread {
  readonly words: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(32));
  readonly worker: Worker;
  /** The exit code, once it has ended. */
  readonly exit: Promise<number>;
  /** Why it has ended. */
  failure: Error | undefined;
  readonly #name: string;

  constructor(name: string, data: object) {
    this.#name = name;
    this.words[threads.PHASE] = -1;
    this.worker = new Worker(join(__dirname, '..', 'fixtures', name), { workerData: { ...data, words: this.words } });
    this.worker.on('error', (error: Error) => {
      this.failure = error;
    });
    this.exit = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        this.failure ??= new Error(`${name} has ended with ${code}`);
        this.onExit();
        resolve(code);
      });
    });
    finallyDo(() => this.terminate());
  }

  onExit(): void {}

  /** Resolves when it has announced `phase`. */
  async reached(phase: number): Promise<void> {
    await this.#until(() => Atomics.load(this.words, threads.PHASE) === phase, `phase ${phase}`);
  }

  /** Resolves when it has announced `phase` and sleeps in the kernel. */
  async blocked(phase: number = 1): Promise<void> {
    await this.#until(() => threads.isBlocked(this.words, phase), `sleep in phase ${phase}`);
  }

  async terminate(): Promise<number> {
    return within(this.worker.terminate(), `terminate() of ${this.#name}`);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    await until(
      () => this.failure !== undefined || condition(),
      () => `${this.#name} to ${what}, not ${this.words[threads.PHASE]}`,
    );
    if (this.failure !== undefined) {
      throw this.failure;
    }
  }
}

/** A worker that is connected to a task manager: see fixtures/remote/produce-on-demand.js. */
export class Producer extends Thread {
  #number = 0;
  readonly #waiting = new Map<number, (answer: Answer | Error) => void>();

  constructor(handle: TaskManagerHandle, data: object = {}) {
    super('remote/produce-on-demand.js', { handle, ...data });
    this.worker.on('message', (answer: Answer) => {
      this.#waiting.get(answer.number)?.(answer);
      this.#waiting.delete(answer.number);
    });
  }

  override onExit(): void {
    this.#waiting.forEach((settle) => settle(this.failure as Error));
  }

  /** Has it do something; resolves with what came of it. */
  async do<T = unknown>(action: string, ...args: unknown[]): Promise<T> {
    const answer = await this.#ask(action, args);
    if (answer.thrown !== undefined) {
      throw Object.assign(new Error(answer.thrown.message), answer.thrown);
    }
    return answer.value as T;
  }

  /** Has it do something that throws; resolves with what it was thrown. */
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
    const settled = await within(answer, `${action} in a worker`, 2 * PATIENCE);
    if (settled instanceof Error) {
      throw settled;
    }
    return settled;
  }
}

/** A worker that owns a task manager: see fixtures/remote/own-task-manager.js. */
export class RemoteOwner extends Thread {
  readonly messages: unknown[] = [];

  private constructor(data: object) {
    super('remote/own-task-manager.js', data);
    this.worker.on('message', (message) => this.messages.push(message));
  }

  static async start(
    way: 'run' | 'runSync' | 'sleep' | 'spin',
    options?: TaskManagerOptions,
  ): Promise<[owner: RemoteOwner, handle: TaskManagerHandle]> {
    const owner = new RemoteOwner({ way, options });
    await owner.received(1);
    return [owner, owner.messages.shift() as TaskManagerHandle];
  }

  /** Resolves when so many messages have come. */
  async received(count: number): Promise<unknown[]> {
    await until(
      () => this.messages.length >= count || this.failure !== undefined,
      () => `${count} messages of an owner, not ${JSON.stringify(this.messages)}`,
    );
    if (this.messages.length < count) {
      throw this.failure as Error;
    }
    return this.messages;
  }
}

/** Milliseconds, with fractions, on the monotonic clock. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A loop whose manager lives in a time that the test sets. */
export class Stopwatch {
  readonly loop: RunLoop = new RunLoop();
  readonly manager: TaskManager;
  /** What tasks threw. */
  readonly errors: unknown[] = [];
  /** The monotonic clock. */
  now: number = 1000;
  /** From there to the wall clock. */
  offset: number = Date.UTC(2026, 0, 1);

  constructor() {
    this.manager = new TaskManager({ loop: this.loop, onError: (error) => this.errors.push(error) });
    this.replaceClock({ monotonic: () => this.now, offset: () => this.offset });
  }

  /** Goes by another clock than its own. */
  replaceClock(clock: { monotonic: () => number; offset: () => number }): void {
    (this.manager as unknown as { useClock: (clock: object) => void }).useClock(clock);
  }

  /** Lets time pass, and makes a pass. */
  pass(milliseconds: number = 0): void {
    this.now += milliseconds;
    this.loop.runOnce();
  }

  /** Sets the wall clock forward, or back. */
  step(milliseconds: number): void {
    this.offset += milliseconds;
  }
}
