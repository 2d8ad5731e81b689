/** examples/sha256sum in a process of its own: its output, compared with that of the real sha256sum. */

import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from '@jest/globals';

import {
  PROGRAM,
  USUAL,
  escapesReturns,
  expectStatus,
  makePlaces,
  makeTree,
  reference,
  run,
  shell,
  summaryOf,
} from '../support/examples/sha256sum';
import { root } from '../support/files';

let places: string;
beforeAll(() => {
  places = makePlaces();
});

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

  it('hashes node_modules by default', async () => {
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

  it('is empty for a directory without files', async () => {
    const outcome = await run(['empty'], { cwd: places });

    expectStatus(outcome, 0);
    expect(outcome.stdout).toHaveLength(0);
    expect(summaryOf(outcome)).toMatchObject({ files: '0', bytes: '0 bytes (0)' });
  });

  it.each(['1', '2', '7', '64'])('does not depend on the number of workers: %s', async (workers) => {
    const outcome = await run(['--workers', workers, 'examples'], { cwd: root });

    expectStatus(outcome, 0);
    expect(outcome.stdout.toString()).toBe(reference('examples', root).toString());
  });

  it('satisfies sha256sum -c', () => {
    const modules = join(root, 'node_modules');
    const { status, stderr } = shell('"$0" "$1" "$2" | sha256sum -c >/dev/null', [process.execPath, PROGRAM, modules]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('results per wake-up') });
  });
});

describe('the summary', () => {
  it('is aligned, and counts files, bytes and results', async () => {
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

  it('--help reports an error of its output', async () => {
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
