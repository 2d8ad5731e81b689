import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, writeSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { fixture, temporaryPath } from '../support/files';
import { report } from '../support/outcomes';

/** How long a child may run, in milliseconds: less than a test, so that a hang is reported with what it printed. */
const LIMIT = 25_000;

/** A change is reported to the first thread that polls, once. */
const ways: [way: string, outcome: string][] = [
  ['loop', 'changed'],
  ['runSync', 'changed'],
  ['select', 'changed'],
  ['worker', 'changed'],
  ['run', 'ENOTSUP'],
  ['running', 'ENOTSUP'],
  ['selectAsync', 'ENOTSUP'],
];

const NAMESPACE = ['-U', '-r', '-m'];
const hasNamespaces = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;
if (!hasNamespaces) {
  report('not tested: this system lets no process have mounts of its own');
}

const hasPressure = acceptsTriggers();
if (!hasPressure) {
  report('not tested: this system lets this process set no pressure triggers');
}

/** Returns whether the kernel reports on pressure, to processes like this one. */
function acceptsTriggers(): boolean {
  try {
    const fd = openSync('/proc/pressure/cpu', constants.O_RDWR | constants.O_NONBLOCK);
    try {
      return writeSync(fd, 'some 1 2000000\0') > 0;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

/** Runs the fixture, after the words of another command. Returns what it printed. */
async function watch(command: readonly string[], way: string, source: string): Promise<string> {
  const script = fixture('process/watch-consumed.js');
  const [program, ...args] = [...command, process.execPath, script, way, source];
  return endedWith(await new Child(program, args, {}, LIMIT).ended, 0).stdout;
}

describe.each(ways)('%s() reports a change, or refuses the file: %s', (way, outcome) => {
  test('of the mounts', async () => {
    const directory = temporaryPath(`mount-${way}`);
    mkdirSync(directory);
    const stdout = hasNamespaces ? await watch(['unshare', ...NAMESPACE], way, directory) : `${outcome}\n`;
    expect(stdout).toBe(`${outcome}\n`);
  });

  test('of the pressure', async () => {
    const stdout = hasPressure ? await watch([], way, 'pressure') : `${outcome}\n`;
    expect(stdout).toBe(`${outcome}\n`);
  });
});
