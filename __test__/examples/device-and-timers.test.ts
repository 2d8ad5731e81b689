/** The examples with a serial device, and with timers that outlive their process. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { root, temporaryPath } from '../support/files';
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

test.each(['UTC', 'Asia/Tokyo', 'America/New_York'])('daily.js runs at three in Berlin, seen from %s', async (zone) => {
  const child = new Child(process.execPath, [join(root, 'examples', 'daily.js')], {
    env: { ...process.env, TZ: zone },
  });
  const { stdout, stderr } = endedWith(await child.ended, 0);
  expect(stdout.split('\n')).toEqual([
    '01/01/2026, 03:00:00 CET is the first run',
    '29/03/2026, 03:00:00 CEST is 23 hours after the last run',
    '25/10/2026, 03:00:00 CET is 25 hours after the last run',
    '365 runs in a year',
    '',
  ]);
  expect(stderr).toBe('');
});

test('saved-timers.js saves 100 000 timers on SIGTERM, and loads them again', async () => {
  const path = temporaryPath('timers.json');
  const first = start('saved-timers.js', path);
  await first.printed('100000 timers wait');
  first.kill('SIGTERM');
  expect(endedWith(await first.ended, 0).stdout).toContain('0 timers have run, 100000 are saved');
  const timers = JSON.parse(readFileSync(path, 'utf8')) as { due: number; payload: { user: number }; key: string }[];
  expect(timers.map(({ payload }) => payload.user)).toEqual(Array.from({ length: 100_000 }, (_, user) => user));
  expect(timers[99_999]?.key).toBe('user 99999');
  // When they are due, they run, and the second start ends by itself.
  timers.forEach((timer) => (timer.due = Date.now()));
  writeFileSync(path, JSON.stringify(timers));
  const second = start('saved-timers.js', path, 'again');
  expect(endedWith(await second.ended, 0).stdout).toContain('100000 timers have run, 0 are saved');
}, 120_000);
