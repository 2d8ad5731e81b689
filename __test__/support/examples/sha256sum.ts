import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect } from '@jest/globals';

import { root } from '../files';
import { TIMEOUT_FACTOR } from '../threads';

export const scratch: string = mkdtempSync(join(tmpdir(), 'sha256sum-'));
// One test runs as another user.
chmodSync(scratch, 0o755);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The example examples/sha256sum, as a user runs it: in a process of its own, compared with the real sha256sum. */

export const PROGRAM = join(root, 'examples/sha256sum/main.js');

/** Longer than any of these runs takes; a hang ends as a failure that says so. */
export const LIMIT = 60_000 * TIMEOUT_FACTOR;

/** More than can be hashed in the time of a test. The file is sparse, and takes no space on the disk. */
export const ENDLESS = 2 ** 40;

/** Root may read every file, so what cannot be read is tried as another user. */
export const ANOTHER_USER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export interface Outcome {
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export const USUAL = { 'a/1': 'one', 'a/2': 'two', b: 'three' };

/** So many lines of so long names are more than may be in memory at a time. */
export const LONG_LINES = 16_000;

export const LONG = 'long'.repeat(60);

/** Makes a directory with these files in it; their names are latin1, so that they can have any bytes. */
export function makeTree(name: string, files: Record<string, string | Buffer>): string {
  const top = join(scratch, name);
  mkdirSync(top);
  for (const [path, content] of Object.entries(files)) {
    const whole = Buffer.from(`${top}/${path}`, 'latin1');
    mkdirSync(whole.subarray(0, whole.lastIndexOf('/')), { recursive: true });
    writeFileSync(whole, content);
  }
  return top;
}

export function start(args: string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** Collects what a child prints; one that does not end is killed. */
export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (data: Buffer) => stdout.push(data));
  child.stderr?.on('data', (data: Buffer) => stderr.push(data));
  child.stdout?.resume();
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
  const status = await new Promise<Outcome['status']>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  clearTimeout(timer);
  return { status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

export function run(args: string[], options?: SpawnOptions): Promise<Outcome> {
  return outcomeOf(start(args, options));
}

/** Checks how a child ended, and that it did so without a stack trace; a failure shows what it had to say. */
export function expectStatus({ status, stderr }: Outcome, expected: number): void {
  expect({ status, stderr }).toEqual({ status: expected, stderr: expect.not.stringMatching(/^ {4}at /m) });
}

/** What the real programs print. */
export function reference(directory: string, cwd?: string): Buffer {
  const script = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum';
  return spawnSync('sh', ['-c', script, 'sh', directory], { cwd, maxBuffer: 1 << 28 }).stdout;
}

/** Whether the sha256sum at hand escapes carriage returns; before version 9 it did not. */
export function escapesReturns(): boolean {
  const path = join(scratch, 'carriage\rreturn');
  writeFileSync(path, '');
  return spawnSync('sha256sum', [path], { encoding: 'utf8' }).stdout.startsWith('\\');
}

/** The rows of the summary that a run ends with. */
export function summaryOf({ stderr }: Outcome): Record<string, string> {
  const rows = [...stderr.matchAll(/^([a-z][\w -]*\w) {2,}(\S.*)$/gm)];
  return Object.fromEntries(rows.map(([, label, value]) => [label, value]));
}

/** Has every worker thread of a child run `body` before anything else. */
export function preload(name: string, body: string): SpawnOptions {
  const path = join(scratch, `${name}.cjs`);
  writeFileSync(
    path,
    `const { isMainThread } = require('node:worker_threads');
     const crypto = require('node:crypto');
     const fs = require('node:fs');
     if (!isMainThread) { ${body} }`,
  );
  return { env: { ...process.env, NODE_OPTIONS: `--require ${path}` } };
}

/** Runs a script of the shell, which gets `args` as $0, $1, … */
export function shell(script: string, args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('sh', ['-c', script, ...args], { encoding: 'utf8', timeout: LIMIT, maxBuffer: 1 << 28 });
}

/** What a terminal gets to see of a run. */
export function show(args: string): string {
  const command = `"${process.execPath}" "${PROGRAM}" ${args}`;
  const { status, stdout } = shell('exec script --quiet --return --command "$0" /dev/null', [command]);
  expect({ status, stdout }).toMatchObject({ status: 0 });
  return stdout.replaceAll('\r\n', '\n');
}

/** Checks that the output of a run that was stopped is the beginning of the real one, and ends with a line. */
export function expectWholeLines({ stdout }: Outcome, directory: string): void {
  expect(reference(directory).subarray(0, stdout.length).equals(stdout)).toBe(true);
  expect([undefined, 10]).toContain(stdout.at(-1));
}

/** Resolves when the child has printed something to standard output. */
export function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.once('data', () => resolve());
  });
}

/** Makes a directory with subdirectories that can be named from there. */
export function makePlaces(): string {
  const places = makeTree('places', {
    'tree/a/1': 'one',
    'tree/a/2': 'two',
    'tree/b': 'three',
    'node_modules/module': '',
  });
  mkdirSync(join(places, 'empty'));
  symlinkSync('tree', join(places, 'link'));
  return places;
}

/** Makes a directory whose output is more than may be in memory at a time. */
export function makeLongLines(): string {
  const names = Array.from({ length: LONG_LINES }, (_, index) => `${LONG}/${LONG}/${LONG}/${index}`);
  return makeTree('long lines', Object.fromEntries(names.map((name) => [name, ''])));
}
