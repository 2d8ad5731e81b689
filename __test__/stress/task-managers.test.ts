/** Many threads, at random: 2 s and 20 s on a machine with two cores. */

import { describe, expect, test } from '@jest/globals';

import { Child } from '../support/child';
import { fixture } from '../support/files';
import { report } from '../support/outcomes';
import { Owner } from '../support/remote/task-managers';
import { TIMEOUT_FACTOR, until } from '../support/threads';
import { WorkerHarness } from '../support/worker-harness';

const PRODUCERS = 4;
const SCHEDULES = 250_000;
/** The most that the fifth schedules, and the least that it gets to the end of. */
const VICTIMS = 20_000;
const ENOUGH = 500;
const LIVES = 500;
/** How long one step may take, in milliseconds. Its own report comes before jest's. */
const STEP_LIMIT = 240_000;
const LIMIT = 2 * STEP_LIMIT;

interface Life {
  isRecurring: boolean;
  outcome: 'none' | 'cancelled' | 'running' | 'done';
}

class Stresser extends WorkerHarness {
  constructor(data: object) {
    super('stress/schedule-and-cancel.js', data);
  }

  finished<T>(progress: () => string): Promise<T> {
    return this.next<T>(STEP_LIMIT, progress);
  }
}

/** Runs a fixture in a process of its own, and resolves with what it prints. */
async function runFixture(name: string, ...args: string[]): Promise<object> {
  // The fixture has a deadline of its own, and then prints how far it has come.
  const child = new Child(process.execPath, [fixture(name), ...args], {}, 1.5 * STEP_LIMIT);
  const { code, signal, stdout, stderr } = await child.ended;
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  report(stdout.trim());
  return JSON.parse(stdout) as object;
}

describe('four producers that schedule as fast as they can', () => {
  test(
    'beside a fifth that suspends and cancels: everything arrives once, in order, and each answer is true',
    async () => {
      const { manager } = new Owner({ onError: (error) => faults.push(String(error)) });
      const faults: string[] = [];
      const next = Array<number>(PRODUCERS).fill(0);
      const begun = new Int32Array(VICTIMS);
      const over = new Int32Array(VICTIMS);
      // Set by the fifth when cancel() has answered.
      const ended = new Int32Array(new SharedArrayBuffer(4 * VICTIMS));
      const begin = (number: number): void => {
        if (Atomics.load(ended, number) !== 0) {
          faults.push(`task ${number} began after its cancel() was answered`);
        }
        begun[number] = (begun[number] as number) + 1;
      };
      const end = (number: number): void => {
        over[number] = (over[number] as number) + 1;
      };
      manager.define('count', (value: number) => {
        const producer = Math.floor(value / 1e9);
        if (value % 1e9 !== next[producer] && faults.length < 10) {
          faults.push(`producer ${producer}: ${value % 1e9} instead of ${next[producer]}`);
        }
        next[producer] = (value % 1e9) + 1;
      });
      manager.define('nothing', () => {});
      manager.define('victim', (number: number) => {
        begin(number);
        end(number);
      });
      manager.define('slow victim', async (number: number) => {
        begin(number);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        end(number);
      });

      const before = process.hrtime.bigint();
      const canceller = new Stresser({ role: 'cancel', handle: manager.handle, ended });
      const producers = next.map(
        (_, index) => new Stresser({ role: 'count', index, count: SCHEDULES, handle: manager.handle }),
      );
      const victims = (): number => over.filter((count) => count > 0).length;
      const progress = (): string => `${next.join(', ')} of ${SCHEDULES} each, and ${victims()} others`;
      await Promise.all(producers.map((producer) => producer.finished(progress)));
      const took = Number(process.hrtime.bigint() - before) / 1e9;
      await until(() => victims() >= ENOUGH, progress, STEP_LIMIT);
      canceller.stop();
      const lives = await canceller.finished<Life[]>(progress);
      await until(
        () => manager.stats().pending === 0,
        () => `${manager.stats().pending} last tasks`,
      );
      await until(
        () => begun.every((count, number) => count === over[number]),
        () => `${begun.filter((count, number) => count !== over[number]).length} last tasks to be over`,
      );

      expect(faults).toEqual([]);
      expect(next).toEqual(next.map(() => SCHEDULES));
      const counts = { none: 0, cancelled: 0, running: 0, done: 0 };
      const untrue = lives.filter(({ isRecurring, outcome }, number) => {
        counts[outcome] += 1;
        const runs = begun[number] as number;
        if (isRecurring) {
          // Any number of runs before; `begin` checks that none comes after.
          return outcome === 'none' || outcome === 'done' || (outcome === 'running' && runs === 0);
        }
        return runs !== (outcome === 'cancelled' ? 0 : 1);
      });
      expect(untrue).toEqual([]);
      const { failed, incomplete, wakeUps, wakeUpsSaved } = manager.stats();
      expect({ failed, incomplete }).toEqual({ failed: 0, incomplete: 0 });
      report(
        `${PRODUCERS * SCHEDULES} tasks in ${took.toFixed(1)} s, ${wakeUps} wake-ups, ${wakeUpsSaved} saved; ` +
          `${lives.length} lives: ${JSON.stringify(counts)}`,
      );
      expect(lives.length).toBeGreaterThanOrEqual(ENOUGH);
    },
    LIMIT,
  );
});

describe('workers that are terminated at random moments', () => {
  test(
    'while they schedule, call and block, leave the owner running, nothing open, and run nothing twice',
    async () => {
      const result = await runFixture(
        'stress/terminate-busy-workers.js',
        String(LIVES),
        String(STEP_LIMIT * TIMEOUT_FACTOR),
      );
      expect(result).toMatchObject({ lives: LIVES, faults: [], failed: 0 });
    },
    LIMIT,
  );
});

describe('a producer that is a hundred times faster than its consumer', () => {
  test(
    "is held up under onFull: 'block', so that memory stays flat",
    async () => {
      const result = await runFixture('stress/flood-slow-consumer.js');
      expect(result).toMatchObject({ failed: 0 });
      const { ahead, capacity, grown } = result as { ahead: number; capacity: number; grown: number };
      // The queue, and the one that waits for room.
      expect(ahead).toBeLessThanOrEqual(capacity + 1);
      // Without a bound it was 120 000 tasks ahead here, and the process had grown by 320 MB.
      expect(grown).toBeLessThan(100);
    },
    LIMIT,
  );
});
