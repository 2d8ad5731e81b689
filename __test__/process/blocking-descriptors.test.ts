/** Descriptors whose O_NONBLOCK others have cleared: no call that promises not to block does. */

import type { SpawnOptions } from 'node:child_process';

import { describe, expect, test } from '@jest/globals';

import { fixture, makeFifo } from '../support/files';
import { Child, endedWith, runScript } from '../support/child';

const expected = {
  'the read side is blocking': true,
  'recv() of an event': 0,
  'isSet() after clear()': false,
  'the write side is blocking': true,
  'isSet() of a full event': true,
  'isSet() of a full event after clear()': false,
  'the pipe is blocking': true,
  'recv() of a pipe': 'EAGAIN',
  'send() to a full pipe': 0,
  'recv() of a full pipe': 10,
  'the socket is blocking': true,
  'recv() of a socket': 'EAGAIN',
  'send() to a full socket': 0,
};

describe('descriptors that a child process shares as its standard input', () => {
  test('events, pipes and sockets do not block', async () => {
    const { stdout } = await runScript('process/use-blocking-descriptors.js', [makeFifo()]);
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  test('a terminal does not block', async () => {
    const command = [process.execPath, fixture('process/use-blocking-descriptors.js'), makeFifo(), 'terminal'];
    // Its input stays open: the end of it would be the end of the terminal.
    const options: SpawnOptions = { stdio: ['pipe', 'pipe', 'pipe'] };
    const { stdout } = endedWith(await new Child('script', ['-qec', command.join(' '), '/dev/null'], options).ended, 0);
    const [greeting, results] = stdout.trim().split(/\r?\n/);
    expect(greeting).toBe('hello');
    expect(JSON.parse(results as string)).toEqual({
      ...expected,
      'the terminal is blocking': true,
      'recv() of a terminal': 'EAGAIN',
      'send() to a terminal': 6,
    });
  });
});
