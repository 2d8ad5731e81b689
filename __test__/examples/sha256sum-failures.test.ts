/** examples/sha256sum in a process of its own: what it cannot read, and how it is stopped. */

import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from '@jest/globals';

import {
  ENDLESS,
  ANOTHER_USER,
  PROGRAM,
  USUAL,
  expectStatus,
  expectWholeLines,
  firstOutput,
  makeLongLines,
  makeTree,
  outcomeOf,
  preload,
  reference,
  run,
  shell,
  start,
  summaryOf,
} from '../support/examples/sha256sum';

let longLines: string;
beforeAll(() => {
  longLines = makeLongLines();
});

describe('what cannot be read', () => {
  it('is named, and the rest is hashed', async () => {
    if (spawnSync(process.execPath, [PROGRAM, '--help'], ANOTHER_USER).status !== 0) {
      console.warn('not tested: only root may run the example here');
      return;
    }
    const top = makeTree('forbidden', { ...USUAL, secret: '?', 'dir/secret': '?', 'z/last': 'four' });
    chmodSync(join(top, 'secret'), 0o000);
    chmodSync(join(top, 'dir'), 0o000);
    const outcome = await run([top], ANOTHER_USER);
    chmodSync(join(top, 'dir'), 0o700);

    expectStatus(outcome, 1);
    const lines = reference(top).toString().split('\n');
    expect(outcome.stdout.toString()).toBe(lines.filter((line) => !line.endsWith('secret')).join('\n'));
    expect(outcome.stderr).toContain(`sha256sum: ${top}/secret: permission denied\n`);
    expect(outcome.stderr).toContain(`sha256sum: ${top}/dir: permission denied\n`);
    expect(summaryOf(outcome)).toMatchObject({ files: '4 of 5', unreadable: '2' });
  });

  it('may be the rest of a file that was opened', async () => {
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

  it('may have been readable when the directory was read', async () => {
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
    // A FIFO without a writer is at its end immediately. What matters is that the walk does not wait for one.
    expect(summaryOf(outcome)).toMatchObject({ files: '4 of 7', unreadable: '3' });
  });
});

describe('a run that is stopped', () => {
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
  ] as const)('ends cleanly by %s', async (signal, status) => {
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

  it('ends in silence when the reader of the output has ended', () => {
    const script = '{ "$0" "$1" "$2"; echo "status $?" >&2; } | head -n 1';
    const { stdout, stderr } = shell(script, [process.execPath, PROGRAM, longLines]);

    expect(stderr).toBe('status 141\n');
    expect(stdout).toBe(reference(longLines).toString().replace(/\n.*/s, '\n'));
  });

  it('ends in silence when the output is a socket that is closed', async () => {
    const child = start([longLines]);
    const outcome = outcomeOf(child);
    await firstOutput(child);
    child.stdout?.destroy();

    const { status, stderr } = await outcome;
    expect({ status, stderr }).toEqual({ status: 141, stderr: '' });
  });

  it('ends with an error when the disk is full', async () => {
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
  ])('ends with an error when a worker %s', async (name, statement, message) => {
    const top = makeTree(`crash ${name}`, { only: 'x' });
    const outcome = await run(
      [top],
      preload(`crash ${name}`.replaceAll(' ', '-'), `crypto.createHash = () => { ${statement} };`),
    );

    expectStatus(outcome, 1);
    expect(outcome.stdout).toHaveLength(0);
    expect(outcome.stderr).toMatch(new RegExp(`^sha256sum: ${message}\nfiles +0 of 1\n`));
  });

  it('ends with an error when one of several workers fails, whatever the others do', async () => {
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
