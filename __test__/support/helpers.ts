import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { afterEach } from '@jest/globals';
import { type WaitableEvent } from 'waitable-event';

interface Threads {
  readonly PHASE: number;
  readonly TID: number;
  readonly COUNT: number;
  readonly STOP: number;
  readonly GATE: number;
  readonly PATIENCE: number;
  makeWords: () => Int32Array<SharedArrayBuffer>;
  isAsleep: (tid: number, pid?: number | 'self') => boolean;
  isBlocked: (words: Int32Array, phase?: number) => boolean;
  stateOf: (tid: number, pid?: number | 'self') => string;
  awaitWord: (words: Int32Array, index: number, value: number) => void;
  until: (condition: () => boolean, what: string) => Promise<void>;
  untilSync: (condition: () => boolean, what: string) => void;
}

/** What the fixtures have too. */
export const threads: Threads = require('./threads.js') as Threads;

export const { PATIENCE, until, untilSync } = threads;

/** The root of the package: scripts that run here can require it by its name. */
export const root: string = join(__dirname, '..', '..');

export function fixture(name: string): string {
  return join(__dirname, '..', 'fixtures', name);
}

/** A worker that runs a fixture, and the words that it shares with the test. */
export class Hand {
  readonly words: Int32Array<SharedArrayBuffer> = threads.makeWords();
  readonly worker: Worker;
  /** The exit code, once it has ended. */
  readonly exit: Promise<number>;
  readonly #name: string;
  readonly #messages: unknown[] = [];
  #failure: Error | undefined;

  constructor(name: string, data: object) {
    this.#name = name;
    this.worker = new Worker(fixture(name), { workerData: { ...data, words: this.words } });
    this.worker.on('message', (message) => this.#messages.push(message));
    this.worker.on('error', (error: Error) => {
      this.#failure = error;
    });
    this.exit = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        this.#failure ??= new Error(`${name} has ended with ${code}`);
        hands.delete(this);
        resolve(code);
      });
    });
    hands.add(this);
  }

  /** The next message that it posts. */
  async next<T>(): Promise<T> {
    await until(
      () => this.#messages.length > 0 || this.#failure !== undefined,
      `a message of ${this.#name}, phase ${this.words[threads.PHASE]}`,
    );
    if (this.#messages.length === 0) {
      throw this.#failure as Error;
    }
    return this.#messages.shift() as T;
  }

  /** Resolves when it has announced `phase` and sleeps. */
  async blocked(phase = 1): Promise<void> {
    await until(
      () => this.#failure !== undefined || threads.isBlocked(this.words, phase),
      `${this.#name} to sleep in phase ${phase}, not ${this.words[threads.PHASE]}`,
    );
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
  }

  /** Has a fixture that asks for it stop. */
  stop(): void {
    Atomics.store(this.words, threads.STOP, 1);
    Atomics.notify(this.words, threads.STOP);
  }

  /** Ends it, and returns how many milliseconds that took. */
  async terminate(): Promise<number> {
    const before = process.hrtime.bigint();
    await within(this.worker.terminate(), `terminate() of ${this.#name}`);
    return since(before);
  }
}

const hands = new Set<Hand>();

// For every file that uses workers.
afterEach(async () => {
  await Promise.all([...hands].map((hand) => hand.terminate()));
});

/** A way to wait that fixtures/event/wait-once.js knows. */
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

/** A worker that waits for the event; without a timeout of its own, it gives up after the patience of the tests. */
export function startWaiter(event: WaitableEvent, way: Way, timeout: number = PATIENCE): Hand {
  return new Hand('event/wait-once.js', { handle: event.handle, way, timeout });
}

/** Several of them, once all sleep. */
export async function startWaiters(event: WaitableEvent, ways: readonly Way[], timeout?: number): Promise<Hand[]> {
  const waiters = ways.map((way) => startWaiter(event, way, timeout));
  await Promise.all(waiters.map((waiter) => waiter.blocked()));
  return waiters;
}

/** What each of them says. */
export async function outcomes(waiters: readonly Hand[]): Promise<unknown[]> {
  const messages = await Promise.all(waiters.map((waiter) => waiter.next<Outcome>()));
  return messages.map(({ outcome, code }) => code ?? outcome);
}

/** `promise`, or an error when it takes too long. */
export async function within<T>(promise: Promise<T>, what: string, milliseconds: number = PATIENCE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How a child process ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  elapsed: number;
}

/** A child process with a deadline. */
export class Child {
  stdout = '';
  stderr = '';
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #started = process.hrtime.bigint();

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}, patience: number = 2 * PATIENCE) {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.#process = child;
    this.pid = child.pid ?? -1;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    const timer = setTimeout(() => {
      this.stderr += `\nstill running after ${patience} ms`;
      child.kill('SIGKILL');
    }, patience);
    this.ended = new Promise((resolve, reject) => {
      child.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, elapsed: since(this.#started) });
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  get isOver(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** To its standard input. */
  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  /** Resolves when it has printed `text`. */
  async printed(text: string): Promise<void> {
    await until(
      () => this.isOver || this.stdout.includes(text),
      `"${text}" from a child: ${this.stdout}${this.stderr}`,
    );
    if (!this.stdout.includes(text)) {
      throw new Error(`The child ended without "${text}": ${this.stdout}${this.stderr}`);
    }
  }
}

/** Starts a fixture, or a source text, in a Node of its own. */
export function startScript(
  script: string | { source: string },
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Child {
  const what = typeof script === 'string' ? [fixture(script)] : ['-e', script.source];
  return new Child(process.execPath, [...what, ...args], { env: { ...process.env, ...env } });
}

/** Runs a script to its end, which must be the given exit code. */
export async function runScript(
  script: string | { source: string },
  args: readonly string[] = [],
  { code = 0, env = {} }: { code?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return endedWith(await startScript(script, args, env).ended, code);
}

/** Throws what the child printed when it ended in another way. */
export function endedWith(ended: Ended, code: number): Ended {
  if (ended.code !== code) {
    throw new Error(`Exit code ${ended.code}, signal ${ended.signal}\n${ended.stdout}\n${ended.stderr}`);
  }
  return ended;
}

/** How many descriptors this process has open. */
export function countDescriptors(): number {
  // Without the one that reads the directory.
  return readdirSync('/proc/self/fd').length - 1;
}

/** Milliseconds since `before`, a process.hrtime.bigint(). */
export function since(before: bigint): number {
  return Number(process.hrtime.bigint() - before) / 1e6;
}

/** The code of what `call` throws; undefined when it throws nothing. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}

/** The code of what `promise` is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await within(promise, 'a rejection');
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}

/** Prints a measurement, or why something could not be tested. */
export function report(text: string): void {
  process.stderr.write(`    ${text}\n`);
}
