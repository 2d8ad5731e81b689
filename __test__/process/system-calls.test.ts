import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { report } from '../support/outcomes';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What a process of its own does: sets an event, then calls a method of it that often. */
function source(method: string, calls: number): string {
  return `
    const { readFileSync } = require('node:fs');
    const { WaitableEvent } = require('waitable-event');
    const event = new WaitableEvent({ set: true });
    const io = () => readFileSync('/proc/self/io', 'latin1').match(/sysc[rw]: \\d+/g).map((line) => Number(line.slice(7)));
    let before;
    try { before = io(); } catch {}
    for (let call = 0; call < ${calls}; call += 1) event.${method};
    const after = before && io();
    console.log(JSON.stringify(before && after.map((count, index) => count - before[index])));
  `;
}

const strace = spawnSync('strace', ['-f', '-c', '-o', '/dev/null', 'true']);
if (strace.status !== 0) {
  report(`No strace here, only /proc/self/io counts: ${strace.error?.message ?? String(strace.stderr).trim()}`);
}

/** How many system calls a process makes, in all threads; undefined when strace cannot be used here. */
async function trace(method: string, calls: number): Promise<number | undefined> {
  if (strace.status !== 0) {
    return undefined;
  }
  const summary = join(directory, `${method}-${calls}`);
  const args = ['-f', '-c', '-o', summary, process.execPath, '-e', source(method, calls)];
  endedWith(await new Child('strace', args).ended, 0);
  // The last line has the sums: % time, seconds, usecs/call, calls, errors.
  const total = readFileSync(summary, 'latin1').trim().split('\n').at(-1)?.trim().split(/\s+/);
  return total?.at(-1) === 'total' ? Number(total[3]) : Number.NaN;
}

/** How many read() and write() calls the kernel has counted meanwhile; undefined when it does not count them. */
async function countReadsAndWrites(method: string, calls: number): Promise<number[] | undefined> {
  const { stdout } = endedWith(await new Child(process.execPath, ['-e', source(method, calls)]).ended, 0);
  const counts = JSON.parse(stdout) as number[] | null;
  if (counts === null) {
    report('The kernel does not count in /proc/self/io');
  }
  return counts ?? undefined;
}

describe('on an event that is set', () => {
  test.each(['set()', 'isSet()', 'wait()', 'wait(0)'])('a million calls of %s make no system call', async (method) => {
    const [few, many] = [await trace(method, 1), await trace(method, 1_000_000)];
    report(`${method}: ${few} system calls of the process for one call, ${many} for a million`);
    // What V8's and Node's own threads do varies a little.
    expect((many ?? 0) - (few ?? 0)).toBeLessThan(1000);
    const counts = await countReadsAndWrites(method, 1_000_000);
    expect(Math.max(...(counts ?? [0]))).toBeLessThan(1000);
  });
});

describe('the counter of system calls', () => {
  test('sees the system calls that set() and clear() make at the edges', async () => {
    const both = 'set(), event.clear()';
    const [few, many] = [await trace(both, 1), await trace(both, 10_000)];
    expect((many ?? Infinity) - (few ?? 0)).toBeGreaterThanOrEqual(19_000);
    const counts = await countReadsAndWrites(both, 10_000);
    expect(Math.min(...(counts ?? [Infinity]))).toBeGreaterThanOrEqual(9999);
  });
});
