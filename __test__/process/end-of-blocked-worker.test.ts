/** How soon a blocked worker ends, for each way to block. docs/windows.md has figures. */

import { describe, expect, test } from '@jest/globals';
import { TaskManager, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { runScript } from '../support/child';
import { report } from '../support/outcomes';
import { startLoop } from '../support/run-loop/loops';
import { TIMEOUT_FACTOR } from '../support/threads';
import { WorkerHarness } from '../support/worker-harness';

/** How often each is measured. */
const RUNS = Number(process.env['TEST_RUNS'] ?? 5);
/** Generous, in milliseconds; what it really took is printed. */
const SOON = 5000 * TIMEOUT_FACTOR;
const WAYS = ['wait()', 'select()', 'runSync()', 'callSync()'];

/** How long a worker may take to fall asleep, in milliseconds, where the system does not tell. */
const FALLS_ASLEEP = 200;

/** Prints the times, and returns the longest one. */
function longest(what: string, times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const percentile = (percent: number): number => sorted[Math.ceil((sorted.length * percent) / 100) - 1] as number;
  const [median, late, most] = [50, 95, 100].map((percent) => percentile(percent)) as [number, number, number];
  const rest = `${late.toFixed(1)} ms in the 95th percentile, ${most.toFixed(1)} ms at most`;
  report(`${what}: ${median.toFixed(1)} ms in the median of ${times.length}, ${rest}`);
  return most;
}

/** Calls `run` as often as each is measured, and returns the times. */
async function measure(run: () => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < RUNS; index += 1) {
    times.push(await run());
  }
  return times;
}

/** Runs a script that prints when it calls process.exit(7), and returns how long its end took. */
async function exitTime(script: string, args: string[] = []): Promise<number> {
  const { stdout } = await runScript(script, args, { code: 7 });
  return Date.now() - Number(stdout);
}

describe.each(WAYS)('a worker that blocks in %s', (way) => {
  test('ends at terminate()', async () => {
    const event = new WaitableEvent();
    const manager = new TaskManager({ loop: startLoop() });
    manager.define('never', () => new Promise(() => {}));
    finallyDo(() => manager.close());
    const times = await measure(async () => {
      const worker = new WorkerHarness('process/block.js', { way, event: event.handle, manager: manager.handle });
      await worker.blocked();
      const time = await worker.terminate();
      expect(await worker.exit).toBe(1);
      return time;
    });
    event.close();
    expect(longest(`terminate() during ${way}`, times)).toBeLessThan(SOON);
  }, 60_000);

  test('does not hold up process.exit()', async () => {
    const times = await measure(() => exitTime('process/exit-over-blocked-worker.js', [way]));
    expect(longest(`process.exit() during ${way}`, times)).toBeLessThan(SOON);
  }, 60_000);
});

/** What Node and the system take by themselves: no other time can be shorter. */
describe('a worker that sleeps in Atomics.wait(), without the package', () => {
  test('ends at terminate()', async () => {
    const times = await measure(async () => {
      const worker = new WorkerHarness('process/sleep-without-package.js', {});
      await worker.reached(1);
      await new Promise((resolve) => {
        setTimeout(resolve, FALLS_ASLEEP);
      });
      const time = await worker.terminate();
      expect(await worker.exit).toBe(1);
      return time;
    });
    expect(longest('terminate() without the package', times)).toBeLessThan(SOON);
  }, 60_000);

  test('does not hold up process.exit()', async () => {
    const times = await measure(() => exitTime('process/exit-over-sleeping-worker.js'));
    expect(longest('process.exit() without the package', times)).toBeLessThan(SOON);
  }, 60_000);
});
