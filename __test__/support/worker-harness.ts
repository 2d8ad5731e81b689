import { Worker } from 'node:worker_threads';

import { finallyDo } from './clean-up';
import { fixture } from './files';
import { PHASE, STOP, isBlocked, makeWords, until } from './threads';
import { since, within } from './timing';

/** A worker that runs a fixture, and the words that it shares with the test. It is terminated when the test is over. */
export class WorkerHarness {
  readonly words: Int32Array<SharedArrayBuffer> = makeWords();
  readonly worker: Worker;
  /** The exit code, once the worker has ended. */
  readonly exit: Promise<number>;
  /** What the worker has posted and the test has not taken. */
  readonly messages: unknown[] = [];
  /** Why the worker has ended. */
  failure: Error | undefined;
  readonly #name: string;

  constructor(name: string, data: object) {
    this.#name = name;
    this.worker = new Worker(fixture(name), { workerData: { ...data, words: this.words } });
    this.worker.on('message', (message) => this.onMessage(message));
    this.worker.on('error', (error: Error) => {
      this.failure = error;
    });
    this.exit = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        this.failure ??= new Error(`${name} has ended with ${code}`);
        this.onExit(this.failure);
        resolve(code);
      });
    });
    finallyDo(() => this.terminate());
  }

  protected onMessage(message: unknown): void {
    this.messages.push(message);
  }

  protected onExit(_failure: Error): void {}

  /** Takes the next message of the worker. */
  async next<T>(limit?: number, progress: string | (() => string) = ''): Promise<T> {
    await this.received(1, limit, progress);
    return this.messages.shift() as T;
  }

  /** Resolves when that many messages wait to be taken. */
  async received(count: number, limit?: number, progress: string | (() => string) = ''): Promise<unknown[]> {
    await until(
      () => this.messages.length >= count || this.failure !== undefined,
      () => {
        const text = typeof progress === 'string' ? progress : progress();
        return `${count} messages of ${this.#name}, phase ${this.words[PHASE]}: ${JSON.stringify(this.messages)} ${text}`;
      },
      limit,
    );
    if (this.messages.length < count) {
      throw this.failure as Error;
    }
    return this.messages;
  }

  /** Resolves when the worker has announced `phase`. */
  async reached(phase: number): Promise<void> {
    await this.#until(() => Atomics.load(this.words, PHASE) === phase, `reach phase ${phase}`);
  }

  /** Resolves when the worker has announced `phase` and sleeps in the kernel. */
  async blocked(phase: number = 1): Promise<void> {
    await this.#until(() => isBlocked(this.words, phase), `sleep in phase ${phase}`);
  }

  /** Asks the fixture to stop. */
  stop(): void {
    Atomics.store(this.words, STOP, 1);
    Atomics.notify(this.words, STOP);
  }

  /** Terminates the worker, and returns how many milliseconds that took. */
  async terminate(): Promise<number> {
    const before = process.hrtime.bigint();
    await within(this.worker.terminate(), `terminate() of ${this.#name}`);
    return since(before);
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    await until(
      () => this.failure !== undefined || condition(),
      () => `${this.#name} to ${what}, not ${this.words[PHASE]}`,
    );
    if (this.failure !== undefined) {
      throw this.failure;
    }
  }
}
