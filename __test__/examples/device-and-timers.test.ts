/** The examples with a serial device, and with timers that outlive their process. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { root } from '../support/files';
import { report } from '../support/outcomes';

function start(name: string, ...args: string[]): Child {
  return new Child(process.execPath, [join(root, 'examples', name), ...args]);
}

/** Whether there is such a program. */
function has(command: string): boolean {
  const found = spawnSync(command, ['--version']).status === 0;
  if (!found) {
    report(`not tested: there is no ${command}`);
  }
  return found;
}

test('serial.js reads the lines of a device in a worker, answers, and ends by itself', async () => {
  if (!has('script') || !has('stty')) {
    return;
  }
  const { stdout, stderr } = endedWith(await start('serial.js').ended, 0);
  expect(stdout.split('\n')).toEqual([
    'received 21.5 C',
    'received 99.9 C',
    'received 101 C',
    'the device got off',
    '',
  ]);
  expect(stderr).toBe('');
});
