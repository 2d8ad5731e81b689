/** Connections where a thread that blocks cannot read a channel: see `protocol/seats.ts`. */

import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';

/** Runs fixtures/remote/connect-by-seats.js, and returns what it prints. */
async function connect(workers: number, connections: number, method: 'run' | 'runSync'): Promise<unknown> {
  const args = [String(workers), String(connections), method];
  const { stdout, stderr } = await runScript('remote/connect-by-seats.js', args);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('Without a channel that a blocked thread can read', () => {
  test('a manager that blocks learns of its producers, and they of its replies', async () => {
    expect(await connect(3, 1, 'runSync')).toEqual({ added: 3, shared: 0, ticks: 6000, failed: [] });
  });

  test('a seat is used again, more often than there are seats', async () => {
    expect(await connect(2, 20, 'runSync')).toEqual({ added: 40, shared: 0, ticks: 80_000, failed: [] });
  });

  test('a record waits for its payload, and what comes after it waits, too', async () => {
    expect(await connect(2, 2, 'run')).toEqual({ added: 8, shared: 12, ticks: 8000, failed: [] });
  });

  test('more producers than there are seats connect by channels', async () => {
    expect(await connect(11, 1, 'run')).toEqual({ added: 22, shared: 33, ticks: 22_000, failed: [] });
  });
});
