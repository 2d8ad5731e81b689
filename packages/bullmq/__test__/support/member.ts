import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ClusterOptions } from '../../lib';
import { inTime } from './waiting';

/** A line that a member has written. */
export interface Line {
  pid: number;
  /** The real wall clock. */
  at: number;
  ran?: unknown;
  began?: string;
  ended?: string;
  aborted?: string;
  code?: string;
  start?: string;
  name?: string;
  due?: number;
  error?: { name: string; code?: string; message: string };
}

/** The file in which all members of a test write. */
export class Journal {
  readonly #folder = mkdtempSync(join(tmpdir(), 'waitable-event-journal-'));
  readonly file = join(this.#folder, 'lines');

  constructor() {
    writeFileSync(this.file, '');
  }

  lines(): Line[] {
    const text = readFileSync(this.file, 'utf8');
    // The last line may be half written.
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** Returns the payloads of the handlers that have run. */
  ran(): unknown[] {
    return this.lines().flatMap((line) => ('ran' in line ? [line.ran] : []));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Setup {
  /** The handlers are in a thread of their own. */
  threaded?: boolean;
  /** By how many milliseconds the wall clock of the process is shifted. */
  shift?: number;
}

const members = new Set<MemberProcess>();

/** A member in a process of its own. */
export class MemberProcess {
  readonly #process: ChildProcess;
  readonly #answers = new Map<number, (message: { value?: unknown; error?: object }) => void>();
  readonly #gone: Promise<void>;
  #number = 0;

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#gone = new Promise((resolve) => {
      child.once('exit', () => {
        members.delete(this);
        for (const answer of this.#answers.values())
          answer({ error: { message: 'The member has ended', code: 'GONE' } });
        resolve();
      });
    });
    child.on('message', ({ number, ...message }: { number?: number }) => {
      if (number === undefined) return;
      this.#answers.get(number)?.(message);
      this.#answers.delete(number);
    });
    members.add(this);
  }

  /** Starts a process, and resolves when it has joined. Rejects with what `join()` has rejected with. */
  static async start(
    journal: Journal,
    options: ClusterOptions,
    { threaded, shift }: Setup = {},
  ): Promise<MemberProcess> {
    const child = fork(
      join(__dirname, '..', 'fixtures', 'member.js'),
      [JSON.stringify({ file: journal.file, options, threaded })],
      {
        serialization: 'advanced',
        execArgv: shift === undefined ? [] : ['--require', join(__dirname, '..', 'fixtures', 'shift-clock.js')],
        env: { ...process.env, SHIFT_CLOCK: String(shift ?? 0) },
      },
    );
    const member = new MemberProcess(child);
    const joined = new Promise<void>((resolve, reject) => {
      child.once('message', ({ refused }: { refused?: object }) => {
        if (refused === undefined) resolve();
        else reject(Object.assign(new Error('refused'), refused));
      });
      child.once('exit', () => reject(new Error('The member has ended')));
    });
    await inTime('a member joins', joined);
    return member;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Has the member do something. */
  do(operation: string, ...args: unknown[]): Promise<unknown> {
    this.#number += 1;
    const number = this.#number;
    const answer = new Promise((resolve, reject) => {
      this.#answers.set(number, ({ value, error }) => {
        if (error === undefined) resolve(value);
        else reject(Object.assign(new Error('failed'), error));
      });
      this.#process.send({ number, operation, args }, (error) => {
        if (error) reject(error);
      });
    });
    return inTime(`${operation} in a member`, answer);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#gone;
  }

  async close(): Promise<void> {
    await this.do('close');
    await this.#gone;
  }
}

/** Kills the members that are left. */
export async function killMembers(): Promise<void> {
  await Promise.all([...members].map((member) => member.kill()));
}
