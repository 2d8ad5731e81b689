/** examples/sha256sum in a process of its own: a slow reader of its output, and a terminal. */

import { type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { beforeAll, describe, expect, it } from '@jest/globals';

import {
  LONG_LINES,
  expectStatus,
  expectWholeLines,
  makeLongLines,
  outcomeOf,
  reference,
  show,
  start,
} from '../support/examples/sha256sum';
import { root } from '../support/files';

let longLines: string;
beforeAll(() => {
  longLines = makeLongLines();
});

describe('a slow reader', () => {
  it('makes hashing pause, does not delay a signal, and gets all lines in the end', async () => {
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
  }, 120_000);
});

describe('on a terminal', () => {
  it('a bar is drawn beneath the lines, and erased', () => {
    const shown = show(`"${root}"/examples`);

    expect(shown).toContain('scanning… ');
    expect(shown).toMatch(/[█░]{20} +\d+% \| \d+\/\d+ files \| /);
    // After each bar: line wrapping on again, back to where it began, and the line cleared.
    expect(shown.split('\x1b[?7l')).toHaveLength(shown.split('\x1b[?7h\x1b8\x1b[1G\x1b[2K').length);
    // oxlint-disable-next-line no-control-regex
    const plain = shown.replaceAll(/\x1b7\x1b\[\?7l[^\n]*\x1b\[2K/g, '');
    expect(plain.startsWith(reference(join(root, 'examples')).toString())).toBe(true);
    expect(plain).toMatch(/\nfiles {16}\d+\nunreadable/);
  });

  it('no bar is drawn with --no-progress', () => {
    expect(show(`--no-progress "${root}"/examples`)).not.toContain('\x1b');
  });
});
