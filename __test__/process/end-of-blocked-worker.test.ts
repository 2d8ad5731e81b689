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

/** Returns the longest time, and prints it. */
function longest(what: string, times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const [median, most] = [sorted[times.length >> 1], sorted.at(-1)] as [number, number];
  report(`${what}: ${median.toFixed(1)} ms in the median of ${times.length}, ${most.toFixed(1)} ms at most`);
  return most;
}

describe.each(WAYS)('a worker that blocks in %s', (way) => {
  test('ends at terminate()', async () => {
    const event = new WaitableEvent();
    const manager = new TaskManager({ loop: startLoop() });
    manager.define('never', () => new Promise(() => {}));
    finallyDo(() => manager.close());
    const times: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const worker = new WorkerHarness('process/block.js', { way, event: event.handle, manager: manager.handle });
      await worker.blocked();
      times.push(await worker.terminate());
      expect(await worker.exit).toBe(1);
    }
    event.close();
    expect(longest(`terminate() during ${way}`, times)).toBeLessThan(SOON);
  }, 60_000);

  test('does not hold up process.exit()', async () => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const { stdout } = await runScript('process/exit-over-blocked-worker.js', [way], { code: 7 });
      times.push(Date.now() - Number(stdout));
    }
    expect(longest(`process.exit() during ${way}`, times)).toBeLessThan(SOON);
  }, 60_000);
});
