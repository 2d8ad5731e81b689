import { closeSync, openSync, writeSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';

import { type Child, endedWith, startScript } from '../support/child';
import { isAsleep, stateOf, until } from '../support/threads';
import { since } from '../support/timing';

/** What fixtures/process/wait-on-main-thread.js prints at its end. */
interface Result {
  outcome: boolean;
  elapsed: number;
  signals: number;
}

/** Starts a process that waits on its main thread, and returns when it does. */
async function start(...args: string[]): Promise<{ child: Child; fd: number }> {
  const child = startScript('process/wait-on-main-thread.js', args);
  await child.printed('\n');
  const fd = Number(child.stdout.trim());
  await asleep(child);
  return { child, fd };
}

async function asleep(child: Child): Promise<void> {
  await until(() => child.isOver || isAsleep(child.pid, child.pid), 'the child to sleep');
  if (child.isOver) {
    throw new Error('The child ended before it was seen asleep');
  }
}

async function resultOf(child: Child): Promise<Result> {
  const { stdout } = endedWith(await child.ended, 0);
  return JSON.parse(stdout.split('\n')[1] as string) as Result;
}

/** Writes into the child's event, as any process of the same user can. */
function ring(child: Child, fd: number): void {
  const pipe = openSync(`/proc/${child.pid}/fd/${fd}`, 'w');
  writeSync(pipe, 'x');
  closeSync(pipe);
}

/** The timeout of a wait, in milliseconds: longer than a busy machine takes to see that the child sleeps. */
const TIMEOUT = 2000;

const ways = ['wait', 'select', 'waitAsync', 'selectAsync'];

describe('SIGSTOP and SIGCONT', () => {
  test.each(ways)('do not end %s, nor change what it returns', async (way) => {
    const { child, fd } = await start(way, 'Infinity');
    for (let round = 0; round < 5; round += 1) {
      child.kill('SIGSTOP');
      await until(() => stateOf(child.pid, child.pid) === 'T', 'the child to stop');
      child.kill('SIGCONT');
      await asleep(child);
    }
    expect(child.stdout.trim().split('\n')).toHaveLength(1);
    ring(child, fd);
    expect(await resultOf(child)).toMatchObject({ outcome: true });
  });

  test('do not make a timeout come early', async () => {
    const { child } = await start('wait', String(TIMEOUT));
    child.kill('SIGSTOP');
    await until(() => stateOf(child.pid, child.pid) === 'T', 'the child to stop');
    child.kill('SIGCONT');
    const { outcome, elapsed } = await resultOf(child);
    expect(outcome).toBe(false);
    expect(elapsed).toBeGreaterThanOrEqual(TIMEOUT);
  });

  test('a set() while it is stopped is there when it goes on', async () => {
    const { child, fd } = await start('wait', 'Infinity');
    child.kill('SIGSTOP');
    await until(() => stateOf(child.pid, child.pid) === 'T', 'the child to stop');
    ring(child, fd);
    child.kill('SIGCONT');
    expect(await resultOf(child)).toMatchObject({ outcome: true });
  });
});

describe('a storm of signals', () => {
  test.each(ways)('does not make %s come early, nor fail', async (way) => {
    const { child } = await start(way, String(TIMEOUT), 'storm');
    const before = process.hrtime.bigint();
    let sent = 0;
    // Signals stop after a while: V8 measures the processor's frequency asleep, and starts over when a signal wakes it.
    while (!child.isOver && since(before) < 1200) {
      child.kill('SIGUSR2');
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { outcome, elapsed, signals } = await resultOf(child);
    expect(outcome).toBe(false);
    expect(elapsed).toBeGreaterThanOrEqual(TIMEOUT);
    expect(sent).toBeGreaterThan(100);
    expect(signals).toBeGreaterThan(0);
  });
});
