import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

import { fixture, root } from './files';
import { TIMEOUT_FACTOR, until } from './threads';
import { since } from './timing';

/** How a child process ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  elapsed: number;
}

/** How long a child may run, in milliseconds. */
const LIMIT = 40_000;

/** A child process with a deadline. */
export class Child {
  stdout = '';
  stderr = '';
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #started = process.hrtime.bigint();

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}, limit: number = LIMIT) {
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
      this.stderr += `\nstill running after ${limit * TIMEOUT_FACTOR} ms`;
      this.kill('SIGKILL');
    }, limit * TIMEOUT_FACTOR);
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
    // Not child.kill(): after it, Deno reports that the signal has ended the child, whatever the child does.
    if (!this.isOver) {
      process.kill(this.pid, signal);
    }
  }

  get isOver(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Writes to the standard input of the child. */
  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  /** Resolves when the child has printed `text`. */
  async printed(text: string): Promise<void> {
    await until(
      () => this.isOver || this.stdout.includes(text),
      () => `"${text}" from a child: ${this.stdout}${this.stderr}`,
    );
    if (!this.stdout.includes(text)) {
      throw new Error(`The child ended without "${text}": ${this.stdout}${this.stderr}`);
    }
  }
}

/** Starts a fixture, or a source text, in a Node process of its own. */
export function startScript(
  script: string | { source: string },
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  limit: number = LIMIT,
): Child {
  const what = typeof script === 'string' ? [fixture(script)] : ['-e', script.source];
  return new Child(process.execPath, [...what, ...args], { env: { ...process.env, ...env } }, limit);
}

/** Runs a script to its end. Throws if its exit code is another one than `code`. */
export async function runScript(
  script: string | { source: string },
  args: readonly string[] = [],
  { code = 0, env = {}, limit }: { code?: number; env?: NodeJS.ProcessEnv; limit?: number } = {},
): Promise<Ended> {
  return endedWith(await startScript(script, args, env, limit).ended, code);
}

/** Returns `ended`. Throws what the child printed if its exit code is another one than `code`. */
export function endedWith(ended: Ended, code: number): Ended {
  if (ended.code !== code) {
    throw new Error(`Exit code ${ended.code}, signal ${ended.signal}\n${ended.stdout}\n${ended.stderr}`);
  }
  return ended;
}
