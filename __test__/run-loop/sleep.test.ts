/** How long a loop sleeps: until its first task, or as SPIN says. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunLoop } from 'waitable-event';

import { after, countPasses, runIn } from '../support/run-loop/loops';
import { makeEvent } from '../support/run-loop/make-event';
import { since } from '../support/timing';

const both = ['run', 'runSync'] as const;

let loop: RunLoop;

let log: unknown[];

beforeEach(() => {
  loop = new RunLoop();
  log = [];
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(both)('tasks in %s()', (way) => {
  test('are never early, and fractions of a millisecond count', async () => {
    for (const delta of [0, 0.05, 0.3, 0.999, 1, 1.5, 3.3, 20.25, 50]) {
      let elapsed = -1;
      const before = process.hrtime.bigint();
      after(loop, delta, () => {
        elapsed = since(before);
        loop.stop();
      });
      await runIn(way, loop);
      expect(elapsed).toBeGreaterThanOrEqual(delta);
    }
  });

  test('a fraction of a millisecond is not rounded up to one', async () => {
    let best = Infinity;
    let rounds = 0;
    const next = (): void => {
      const before = process.hrtime.bigint();
      after(loop, 0.05, () => {
        best = Math.min(best, since(before));
        rounds += 1;
        if (rounds < 300) {
          next();
        } else {
          loop.stop();
        }
      });
    };
    next();
    await runIn(way, loop);
    expect(best).toBeLessThan(1);
  });

  test('one that is installed by a channel, sooner than the first, is not slept over', async () => {
    const event = makeEvent({ set: true });
    const far = after(loop, 3_600_000, () => log.push('far'));
    event.handleRead = () => {
      event.clear();
      after(loop, 1, () => {
        log.push('near');
        loop.stop();
      });
    };
    event.addChannel(loop);
    await runIn(way, loop);
    far.suspendTask();
    expect(log).toEqual(['near']);
  });
});

describe.each(both)('SPIN and %s()', (way) => {
  test('a loop makes no pass for nothing', async () => {
    const counter = countPasses(loop);
    expect(loop.SPIN).toBe(Infinity);
    after(loop, 100, () => loop.stop());
    await runIn(way, loop);
    // One to begin with, one for the task; the timer may fire slightly early once or twice.
    expect(counter.passes).toBeLessThanOrEqual(5);
  });

  test.each(['SPIN', 'spin'])('a loop makes a pass at least as often as %s says', async (name) => {
    const before = process.hrtime.bigint();
    let elapsed = 0;
    const counter = countPasses(loop, (passes) => {
      if (passes === 10) {
        elapsed = since(before);
        loop.stop();
      }
    });
    if (name === 'SPIN') {
      loop.SPIN = 2;
    }
    await runIn(way, loop, name === 'spin' ? { spin: 2 } : undefined);
    expect(counter.passes).toBe(10);
    expect(elapsed).toBeGreaterThanOrEqual(9);
  });
});
