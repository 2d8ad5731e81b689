/** The example examples/sha256sum, as a user runs it: in a process of its own, compared with the real sha256sum. */

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = join(__dirname, '..', '..');
const PROGRAM = join(ROOT, 'examples/sha256sum/main.js');

/** Longer than any of these runs takes; a hang ends as a failure that says so. */
const LIMIT = 20_000;

/** Nobody finishes hashing this in the time of a test. It is a hole, and takes no space on the disk. */
const ENDLESS = 2 ** 40;

/** Root may read everything: the files of others are for somebody else. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

interface Outcome {
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const USUAL = { 'a/1': 'one', 'a/2': 'two', b: 'three' };

/** So many lines of so long names are more than may be in memory at a time. */
const LONG_LINES = 16_000;
const LONG = 'long'.repeat(60);

let scratch: string;
/** A directory with some that can be named from there. */
let places: string;
let longLines: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sha256sum-'));
  // Also for the test that runs as somebody else.
  chmodSync(scratch, 0o755);
  places = makeTree('places', { 'tree/a/1': 'one', 'tree/a/2': 'two', 'tree/b': 'three', 'node_modules/module': '' });
  mkdirSync(join(places, 'empty'));
  symlinkSync('tree', join(places, 'link'));
  const names = Array.from({ length: LONG_LINES }, (_, index) => `${LONG}/${LONG}/${LONG}/${index}`);
  longLines = makeTree('long lines', Object.fromEntries(names.map((name) => [name, ''])));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Makes a directory with these files in it; their names are latin1, so that they can have any bytes. */
function makeTree(name: string, files: Record<string, string | Buffer>): string {
  const top = join(scratch, name);
  mkdirSync(top);
  for (const [path, content] of Object.entries(files)) {
    const whole = Buffer.from(`${top}/${path}`, 'latin1');
    mkdirSync(whole.subarray(0, whole.lastIndexOf('/')), { recursive: true });
    writeFileSync(whole, content);
  }
  return top;
}

function start(args: string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** Collects what a child prints; one that does not end is killed. */
async function outcomeOf(child: ChildProcess): Promise<Outcome> {
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

function run(args: string[], options?: SpawnOptions): Promise<Outcome> {
  return outcomeOf(start(args, options));
}

/** Checks how a child ended, and that it did so without a stack trace; a failure shows what it had to say. */
function expectStatus({ status, stderr }: Outcome, expected: number): void {
  expect({ status, stderr }).toEqual({ status: expected, stderr: expect.not.stringMatching(/^ {4}at /m) });
}

/** What the real programs print. */
function reference(directory: string, cwd?: string): Buffer {
  const script = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum';
  return spawnSync('sh', ['-c', script, 'sh', directory], { cwd, maxBuffer: 1 << 28 }).stdout;
}

/** Whether the sha256sum at hand escapes carriage returns; before version 9 it did not. */
function escapesReturns(): boolean {
  const path = join(scratch, 'carriage\rreturn');
  writeFileSync(path, '');
  return spawnSync('sha256sum', [path], { encoding: 'utf8' }).stdout.startsWith('\\');
}

/** The rows of the summary that a run ends with. */
function summaryOf({ stderr }: Outcome): Record<string, string> {
  const rows = [...stderr.matchAll(/^([a-z][\w -]*\w) {2,}(\S.*)$/gm)];
  return Object.fromEntries(rows.map(([, label, value]) => [label, value]));
}

/** Has every worker thread of a child run `body` before anything else. */
function preload(name: string, body: string): SpawnOptions {
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
function shell(script: string, args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('sh', ['-c', script, ...args], { encoding: 'utf8', timeout: LIMIT, maxBuffer: 1 << 28 });
}

/** What a terminal gets to see of a run. */
function show(args: string): string {
  const command = `"${process.execPath}" "${PROGRAM}" ${args}`;
  const { status, stdout } = shell('exec script --quiet --return --command "$0" /dev/null', [command]);
  expect({ status, stdout }).toMatchObject({ status: 0 });
  return stdout.replaceAll('\r\n', '\n');
}

/** Checks that the output of a run that was stopped is the beginning of the real one, and ends with a line. */
function expectWholeLines({ stdout }: Outcome, directory: string): void {
  expect(reference(directory).subarray(0, stdout.length).equals(stdout)).toBe(true);
  expect([undefined, 10]).toContain(stdout.at(-1));
}

/** Resolves when the child has printed something to standard output. */
function firstOutput(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.once('data', () => resolve());
  });
}

describe('output', () => {
  it('is what sha256sum prints, for all kinds of names and files', async () => {
    const top = makeTree('kinds', {
      empty: '',
      'exactly one read': Buffer.alloc(256 * 1024, 1),
      'one byte more': Buffer.alloc(256 * 1024 + 1, 2),
      'several MiB': Buffer.alloc(5_000_001, 'abc'),
      'a/c': '',
      'a-b': 'sorts before a/c',
      'a.b': 'so does this',
      a0: 'and this after it',
      'a/b/c/d/e/f': 'deep',
      '-n': 'an option?',
      '--': '',
      ' ': 'a space',
      'tab\there': '',
      'new\nline': '',
      '\n': '',
      'back\\slash': '',
      '\\n': '',
      'back\\slash and\nnew line/and below\\': '',
      [`carriage${escapesReturns() ? '\r' : ' '}return`]: '',
      '\xff\xfe': 'no UTF-8',
      'latin1 \xfc/\xe4': 'no UTF-8 either',
      '\xc3\xbc': 'UTF-8',
      '*': '',
      '\'"$(echo)`': '',
      '\x1b[31m': 'a control sequence',
      '.hidden': '',
      ['n'.repeat(255)]: 'the longest name',
    });
    mkdirSync(join(top, 'nothing', 'in it'), { recursive: true });
    symlinkSync('empty', join(top, 'link to a file'));
    symlinkSync('a', join(top, 'link to a directory'));
    symlinkSync('.', join(top, 'link to itself'));
    symlinkSync('nowhere', join(top, 'link to nothing'));
    spawnSync('mkfifo', [join(top, 'fifo')]);

    const outcome = await run([top]);

    expectStatus(outcome, 0);
    expect(outcome.stdout.toString('latin1')).toBe(reference(top).toString('latin1'));
    expect(outcome.stdout.toString('latin1').split('\n')).toHaveLength(28);
  });

  it.each(['.', './', 'tree', './tree', 'tree/', 'tree//', 'tree/a', 'tree/../tree/.'])(
    'has the directory as it was given: %s',
    async (directory) => {
      const outcome = await run([directory], { cwd: places });

      expectStatus(outcome, 0);
      expect(outcome.stdout.toString()).toBe(reference(directory, places).toString());
      expect(outcome.stdout).not.toHaveLength(0);
    },
  );

  it('is about node_modules by default', async () => {
    const outcome = await run([], { cwd: places });

    expectStatus(outcome, 0);
    expect(outcome.stdout.toString()).toBe(reference('node_modules', places).toString());
    expect(outcome.stdout.toString()).toMatch(/^[0-9a-f]{64} {2}node_modules\/module\n$/);
  });

  it('follows a link that is given as the directory', async () => {
    const outcome = await run(['link'], { cwd: places });

    expectStatus(outcome, 0);
    expect(outcome.stdout.toString()).toBe(reference('link/', places).toString());
  });

  it('is nothing for a directory without files', async () => {
    const outcome = await run(['empty'], { cwd: places });

    expectStatus(outcome, 0);
    expect(outcome.stdout).toHaveLength(0);
    expect(summaryOf(outcome)).toMatchObject({ files: '0', bytes: '0 bytes (0)' });
  });

  it.each(['1', '2', '7', '64'])('does not depend on the number of workers: %s', async (workers) => {
    const outcome = await run(['--workers', workers, 'examples'], { cwd: ROOT });

    expectStatus(outcome, 0);
    expect(outcome.stdout.toString()).toBe(reference('examples', ROOT).toString());
  });

  it('satisfies sha256sum -c', () => {
    const modules = join(ROOT, 'node_modules');
    const { status, stderr } = shell('"$0" "$1" "$2" | sha256sum -c >/dev/null', [process.execPath, PROGRAM, modules]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('results per wake-up') });
  });
});

describe('the summary', () => {
  it('is aligned, and counts', async () => {
    const top = makeTree('counts', { ...USUAL, 'a/big': Buffer.alloc(1_234_567) });
    const outcome = await run([top]);

    expectStatus(outcome, 0);
    expect(outcome.stderr).toMatch(/^(?:[a-z][\w -]{18} {2}\S.*\n){9}$/);
    expect(summaryOf(outcome)).toEqual({
      files: '4',
      unreadable: '0',
      bytes: '1.2 MB (1,234,578)',
      time: expect.stringMatching(/^\d+\.\d\d s$/),
      throughput: expect.stringMatching(/^\d+\.\d MB\/s$/),
      'wake-ups': expect.stringMatching(/^\d+$/),
      'results per wake-up': expect.stringMatching(/^(\d+\.\d|-)$/),
      'wake-up latency p50': expect.stringMatching(/^(\d+ µs|\d+\.\d ms|-)$/),
      'wake-up latency p99': expect.stringMatching(/^(\d+ µs|\d+\.\d ms|-)$/),
    });
  });
});

describe('arguments', () => {
  it.each(['--help', '-h'])('%s prints the usage', async (option) => {
    const outcome = await run([option]);

    expectStatus(outcome, 0);
    expect(outcome.stdout.toString()).toMatch(/^Usage: npm start -- /);
    expect(outcome.stderr).toBe('');
  });

  it('--help has the same trouble with its output as everything else', async () => {
    const full = openSync('/dev/full', 'w');
    const outcome = await run(['--help'], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);

    expectStatus(outcome, 1);
    expect(outcome.stderr).toBe('sha256sum: standard output: no space left on device\n');
  });

  it.each([
    '--unknown',
    '-x',
    'one two',
    '--workers 0',
    '--workers 257',
    '--workers 1.5',
    '--workers -1',
    '--workers many',
    '--workers=',
    '--workers',
    '--no-progress=1',
  ])('%s is refused', async (args) => {
    const outcome = await run(args.split(' '));

    expectStatus(outcome, 2);
    expect(outcome.stdout).toHaveLength(0);
    expect(outcome.stderr).toMatch(/^sha256sum: .+\nTry 'npm start -- --help'\.\n$/);
  });

  it.each([
    ['missing', 'missing: no such file or directory'],
    ['', "'': no such file or directory"],
    ['new\nline', "$'new\\nline': no such file or directory"],
    ['tree/b', 'tree/b: not a directory'],
    ['tree/b/c', 'tree/b/c: not a directory'],
    ['tree/b/', 'tree/b/: not a directory'],
  ])('a directory %j is none', async (directory, message) => {
    const outcome = await run([directory], { cwd: places });

    expectStatus(outcome, 2);
    expect(outcome.stdout).toHaveLength(0);
    expect(outcome.stderr).toBe(`sha256sum: ${message}\n`);
  });

  it('a directory may begin with a dash after --', async () => {
    const outcome = await run(['--', '-x'], { cwd: places });

    expectStatus(outcome, 2);
    expect(outcome.stderr).toBe('sha256sum: -x: no such file or directory\n');
  });
});

describe('what cannot be read', () => {
  it('is named, and the rest goes on', async () => {
    if (spawnSync(process.execPath, [PROGRAM, '--help'], NOBODY).status !== 0) {
      console.warn('not tested: nobody else than root may run the example here');
      return;
    }
    const top = makeTree('forbidden', { ...USUAL, secret: '?', 'dir/secret': '?', 'z/last': 'four' });
    chmodSync(join(top, 'secret'), 0o000);
    chmodSync(join(top, 'dir'), 0o000);
    const outcome = await run([top], NOBODY);
    chmodSync(join(top, 'dir'), 0o700);

    expectStatus(outcome, 1);
    const lines = reference(top).toString().split('\n');
    expect(outcome.stdout.toString()).toBe(lines.filter((line) => !line.endsWith('secret')).join('\n'));
    expect(outcome.stderr).toContain(`sha256sum: ${top}/secret: permission denied\n`);
    expect(outcome.stderr).toContain(`sha256sum: ${top}/dir: permission denied\n`);
    expect(summaryOf(outcome)).toMatchObject({ files: '4 of 5', unreadable: '2' });
  });

  it('may be so only in the middle of a file', async () => {
    const top = makeTree('broken', { ...USUAL, 'a/\n': 'x' });
    const outcome = await run(
      [top],
      preload(
        'broken',
        `const { openSync, readSync } = fs;
         let broken;
         fs.openSync = (path, ...rest) => {
           broken = path.toString().endsWith('a/\\n');
           return openSync(path, ...rest);
         };
         fs.readSync = (...args) => {
           if (broken) throw Object.assign(new Error('EIO: i/o error, read'), { errno: -5, code: 'EIO' });
           return readSync(...args);
         };`,
      ),
    );

    expectStatus(outcome, 1);
    expect(outcome.stdout.toString()).toBe(
      reference(top)
        .toString()
        .replace(/^\\.*\n/m, ''),
    );
    expect(outcome.stderr).toContain(`sha256sum: $'${top}/a/\\n': i/o error\n`);
  });

  it('may have been there when the walk came by', async () => {
    const top = makeTree('changing', { ...USUAL, 'a/gone': 'x', 'a/link': 'x', 'a/directory': 'x', 'a/fifo': 'x' });
    const outcome = await run(
      [top, '--workers', '1'],
      preload(
        'changing',
        `const { openSync } = fs;
         fs.openSync = (path, ...rest) => {
           const name = path.toString();
           if (/(gone|link|directory|fifo)$/.test(name)) fs.unlinkSync(name);
           if (name.endsWith('link')) fs.symlinkSync('1', name);
           if (name.endsWith('directory')) fs.mkdirSync(name);
           if (name.endsWith('fifo')) require('node:child_process').spawnSync('mkfifo', [name]);
           return openSync(path, ...rest);
         };`,
      ),
    );

    expectStatus(outcome, 1);
    expect(outcome.stderr).toContain(`sha256sum: ${top}/a/gone: no such file or directory\n`);
    expect(outcome.stderr).toContain(`sha256sum: ${top}/a/link: too many symbolic links encountered\n`);
    expect(outcome.stderr).toContain(`sha256sum: ${top}/a/directory: illegal operation on a directory\n`);
    // A FIFO that nobody writes to is at its end at once. What matters is that nobody waits for it.
    expect(summaryOf(outcome)).toMatchObject({ files: '4 of 7', unreadable: '3' });
  });
});

describe('a stop', () => {
  let endless: string;
  beforeAll(() => {
    endless = makeTree('endless', Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a/${index}`, 'x'])));
    for (let index = 0; index < 64; index += 1) {
      const path = join(endless, `z${index}`);
      writeFileSync(path, '');
      truncateSync(path, ENDLESS);
    }
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s is clean', async (signal, status) => {
    const child = start([endless]);
    const outcome = outcomeOf(child);
    await firstOutput(child);
    // Under npm, Ctrl-C arrives twice.
    child.kill(signal);
    child.kill(signal);
    const stopped = await outcome;

    expectStatus(stopped, status);
    expectWholeLines(stopped, join(endless, 'a'));
    expect(stopped.stderr).toMatch(new RegExp(`^sha256sum: stopped by ${signal}\nfiles +\\d+ of 164\n`));
  });

  it('comes when nobody wants the output, in silence', () => {
    const script = '{ "$0" "$1" "$2"; echo "status $?" >&2; } | head -n 1';
    const { stdout, stderr } = shell(script, [process.execPath, PROGRAM, longLines]);

    expect(stderr).toBe('status 141\n');
    expect(stdout).toBe(reference(longLines).toString().replace(/\n.*/s, '\n'));
  });

  it('comes in silence when the output is a socket that is closed', async () => {
    const child = start([longLines]);
    const outcome = outcomeOf(child);
    await firstOutput(child);
    child.stdout?.destroy();

    const { status, stderr } = await outcome;
    expect({ status, stderr }).toEqual({ status: 141, stderr: '' });
  });

  it('comes when the disk is full', async () => {
    const full = openSync('/dev/full', 'w');
    const outcome = await run([endless], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);

    expectStatus(outcome, 1);
    expect(outcome.stderr).toMatch(/^sha256sum: standard output: no space left on device\nfiles/);
  });

  it.each([
    ['throws', 'throw new Error("boom")', 'a worker thread failed: boom'],
    ['throws something odd', 'throw undefined', 'a worker thread failed: undefined'],
    ['exits', 'process.exit(0)', 'all worker threads have ended, and 1 results are missing'],
  ])('comes when a worker %s', async (name, statement, message) => {
    const top = makeTree(`crash ${name}`, { only: 'x' });
    const outcome = await run(
      [top],
      preload(`crash ${name}`.replaceAll(' ', '-'), `crypto.createHash = () => { ${statement} };`),
    );

    expectStatus(outcome, 1);
    expect(outcome.stdout).toHaveLength(0);
    expect(outcome.stderr).toMatch(new RegExp(`^sha256sum: ${message}\nfiles +0 of 1\n`));
  });

  it('comes when one of several workers fails, whatever the others do', async () => {
    const crash = preload(
      'crash-late',
      `const { createHash } = crypto;
       let calls = 0;
       crypto.createHash = (...args) => {
         calls += 1;
         if (calls > 10) throw new Error('boom');
         return createHash(...args);
       };`,
    );
    const outcome = await run([endless, '--workers', '4'], crash);

    expectStatus(outcome, 1);
    expectWholeLines(outcome, join(endless, 'a'));
    expect(outcome.stderr).toContain('sha256sum: a worker thread failed: boom\n');
  });
});

describe('a slow reader', () => {
  it('makes hashing pause, does not keep a signal waiting, and gets everything in the end', async () => {
    const expected = reference(longLines);
    const [first, second] = [1, 2].map(() => start(['--workers', '1', longLines])) as [ChildProcess, ChildProcess];
    await sleep(2000);
    first.kill('SIGTERM');
    const [stopped, finished] = await Promise.all([outcomeOf(first), outcomeOf(second)]);

    expectStatus(stopped, 143);
    expectWholeLines(stopped, longLines);
    const [, hashed] = /^files +([\d,]+) of /m.exec(stopped.stderr) ?? [];
    // 4 MiB of lines in memory, what the kernel takes, and what is on its way in the queue of the task manager.
    expect(Number(hashed?.replace(',', ''))).toBeLessThan((4.5 * 1024 * 1024) / (expected.length / LONG_LINES) + 4096);
    expectStatus(finished, 0);
    expect(finished.stdout.equals(expected)).toBe(true);
  });
});

describe('on a terminal', () => {
  it('has a bar beneath the lines, and leaves nothing of it behind', () => {
    const shown = show(`"${ROOT}"/examples`);

    expect(shown).toContain('scanning… ');
    expect(shown).toMatch(/[█░]{20} +\d+% \| \d+\/\d+ files \| /);
    // After each bar: line wrapping on again, back to where it began, and the line cleared.
    expect(shown.split('\x1b[?7l')).toHaveLength(shown.split('\x1b[?7h\x1b8\x1b[1G\x1b[2K').length);
    // oxlint-disable-next-line no-control-regex
    const plain = shown.replaceAll(/\x1b7\x1b\[\?7l[^\n]*\x1b\[2K/g, '');
    expect(plain.startsWith(reference(join(ROOT, 'examples')).toString())).toBe(true);
    expect(plain).toMatch(/\nfiles {16}\d+\nunreadable/);
  });

  it('has none with --no-progress', () => {
    expect(show(`--no-progress "${ROOT}"/examples`)).not.toContain('\x1b');
  });
});
