/**
 * Recurring tasks: the grid of the epoch plus an offset, and what happens to a run that is late, throws, or is not
 * over.
 */

import { describe, expect, test } from '@jest/globals';
import { RecurringFunctionTask, RunLoop, TaskManager } from 'waitable-event';

import { codeOf } from '../support/outcomes';
import { Owner } from '../support/remote/task-managers';
import { ManualClock } from '../support/tasks/manual-clock';
import { until } from '../support/threads';
import { within } from '../support/timing';

/** Whether a time is on the grid, as precisely as a double is at today's date. */
function isOnGrid(time: number, interval: number, offset: number): boolean {
  const phase = (((time - offset) % interval) + interval) % interval;
  return Math.min(phase, interval - phase) < 0.001;
}

function makeSlow(overlap: boolean): { watch: ManualClock; begun: () => number; end: () => Promise<void> } {
  const watch = new ManualClock();
  const ends: ((fail?: boolean) => void)[] = [];
  let begun = 0;
  const task = new RecurringFunctionTask(10, () => {
    begun += 1;
    return new Promise<void>((resolve, reject) => {
      ends.push((fail) => (fail === true ? reject(new Error('rejected')) : resolve()));
    });
  });
  task.overlap = overlap;
  watch.manager.installTask(task);
  const end = async (): Promise<void> => {
    const fail = begun % 2 === 0;
    ends.splice(0).forEach((one) => one(fail));
    await within(new Promise((resolve) => setImmediate(resolve)), 'a turn');
  };
  return { watch, begun: () => begun, end };
}

describe('the grid', () => {
  test.each([
    [10, 0],
    [10, 3],
    [10, -3],
    [10, 25],
    [10, -1e15],
    [10, 1e300],
    [2.5, 0.7],
    [1 / 3, 0],
    [60_000, 0],
    [86_400_000, -3_600_000],
  ])('with an interval of %p and an offset of %p: the next point, strictly after now', (interval, offset) => {
    const watch = new ManualClock();
    const { manager } = watch;
    for (let round = 0; round < 200; round += 1) {
      watch.now += Math.random() * 3 * interval;
      const task = new RecurringFunctionTask(interval, () => {});
      const now = manager.getTime();
      manager.installTask(task, { offset });
      const time = task.taskTime ?? Number.NaN;
      expect(isOnGrid(time, interval, offset % interval)).toBe(true);
      expect(time).toBeGreaterThan(now);
      expect(time).toBeLessThanOrEqual(now + interval + 0.002);
      task.suspendTask();
    }
  });

  test('exactly at a point it is the one after', () => {
    const watch = new ManualClock();
    watch.now = 0;
    watch.offset = 5000;
    const task = new RecurringFunctionTask(1000, () => {});
    watch.manager.installTask(task);
    expect(task.taskTime).toBe(6000);
    // A hair before it counts as at it, as in BACpypes: clocks count in fractions.
    watch.offset = 4999.9995;
    watch.manager.installTask(task);
    expect(task.taskTime).toBe(6000);
    watch.offset = 4999.9;
    watch.manager.installTask(task);
    expect(task.taskTime).toBe(5000);
  });

  test('it does not drift: every one of 10 000 runs has the next point, however late it is', () => {
    const watch = new ManualClock();
    const points: number[] = [];
    const task: RecurringFunctionTask = new RecurringFunctionTask(10, () => points.push(due));
    let due = 0;
    watch.manager.installTask(task, { offset: 0.25 });
    while (points.length < 10_000) {
      due = task.taskTime as number;
      // Late by up to nine tenths of an interval, each time.
      watch.pass(due - watch.manager.getTime() + 0.001 + Math.random() * 9);
    }
    const first = points[0] as number;
    expect(points.every((point, index) => Math.abs(point - first - index * 10) < 0.001)).toBe(true);
  });

  test('points that were missed are skipped, and do not come in a burst', () => {
    const watch = new ManualClock();
    let runs = 0;
    const task = new RecurringFunctionTask(10, () => (runs += 1));
    watch.manager.installTask(task);
    watch.pass(1005);
    watch.pass();
    watch.pass();
    expect(runs).toBe(1);
    expect(task.taskTime).toBeGreaterThan(watch.manager.getTime());
    expect(isOnGrid(task.taskTime as number, 10, 0)).toBe(true);
    watch.pass(10);
    expect(runs).toBe(2);
  });

  test('a body that takes longer than the interval has every second point', () => {
    const watch = new ManualClock();
    const starts: number[] = [];
    const task: RecurringFunctionTask = new RecurringFunctionTask(100, () => {
      starts.push(watch.manager.getTime());
      watch.now += 150;
    });
    watch.manager.installTask(task);
    watch.pass(100);
    for (let index = 0; index < 100; index += 1) {
      watch.pass(10);
    }
    expect(starts.length).toBeGreaterThan(3);
    const steps = starts.slice(1).map((start, index) => start - (starts[index] as number));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(150);
  });

  test('on the real clock: each run is at its point or after it, and has a point of its own', async () => {
    const { manager } = new Owner();
    const runs: [point: number, time: number][] = [];
    const task: RecurringFunctionTask = new RecurringFunctionTask(2, () => {
      runs.push([task.taskTime as number, manager.getTime()]);
    });
    manager.installTask(task, { offset: -0.5 });
    await until(() => runs.length >= 100, 'a hundred runs');
    task.suspendTask();
    for (const [due, time] of runs) {
      expect(isOnGrid(due, 2, -0.5)).toBe(true);
      // Less than half a millisecond is how far the wall clock may have been slowed down since.
      expect(time - due).toBeGreaterThan(-0.5);
    }
    expect(new Set(runs.map(([due]) => due.toFixed(2))).size).toBe(runs.length);
  });

  test('in runSync() too', () => {
    const loop = new RunLoop();
    const points: number[] = [];
    const task: RecurringFunctionTask = new RecurringFunctionTask(1, () => {
      points.push(task.taskTime as number);
      if (points.length === 50) {
        loop.stop();
      }
    });
    loop.taskManager.installTask(task);
    loop.runSync();
    expect(points.every((point) => isOnGrid(point, 1, 0))).toBe(true);
    expect(points).toEqual(points.toSorted((a, b) => a - b));
  });
});

describe('installing', () => {
  test('an installed task again moves it to another grid', () => {
    const watch = new ManualClock();
    let runs = 0;
    const task = new RecurringFunctionTask(10, () => (runs += 1));
    watch.manager.installTask(task);
    watch.manager.installTask(task, { interval: 1000 });
    watch.pass(10);
    expect(runs).toBe(0);
    watch.pass(990);
    expect(runs).toBe(1);
    expect(watch.manager.stats().pending).toBe(1);
  });

  test('a task from its own body moves it as well', () => {
    const watch = new ManualClock();
    let runs = 0;
    const task: RecurringFunctionTask = new RecurringFunctionTask(10, () => {
      runs += 1;
      task.installTask({ interval: 1000 });
    });
    watch.manager.installTask(task);
    watch.pass(10);
    for (let index = 0; index < 9; index += 1) {
      watch.pass(100);
    }
    expect(runs).toBe(1);
    watch.pass(100);
    expect(runs).toBe(2);
    expect(watch.manager.stats().pending).toBe(1);
  });
});

test.each([
  ['taskInterval', 0],
  ['taskInterval', -5],
  ['taskInterval', NaN],
  ['taskInterval', '10'],
  ['taskIntervalOffset', Infinity],
])('%s is set to %p while it waits: it is out, with an error', (field, value) => {
  const watch = new ManualClock();
  let runs = 0;
  const task = new RecurringFunctionTask(10, () => (runs += 1));
  watch.manager.installTask(task);
  Reflect.set(task, field, value);
  // Also when the wall clock is set.
  watch.step(-1000);
  for (let round = 0; round < 5; round += 1) {
    watch.pass(1000);
  }
  expect([runs, task.isScheduled, watch.errors.length]).toEqual([0, false, 1]);
  expect(watch.errors[0]).toMatchObject({ code: 'ERR_INVALID_TASK' });
  expect(codeOf(() => task.resumeTask())).toBe('ERR_INVALID_TASK');
});

test('a subclass of the manager with another getTime() changes no times', () => {
  class Stopped extends TaskManager {
    override getTime(): number {
      return 5000;
    }
  }
  const loop = new RunLoop();
  const task = new RecurringFunctionTask(60_000, () => {});
  new Stopped({ loop }).installTask(task);
  expect(task.taskTime).toBeGreaterThan(Date.UTC(2020));
});

describe('a body that is asynchronous', () => {
  test('is left out while the last run is not over, and goes on afterwards, also when that was rejected', async () => {
    const { watch, begun, end } = makeSlow(false);
    for (let round = 1; round <= 4; round += 1) {
      watch.pass(10);
      watch.pass(10);
      watch.pass(10);
      expect(begun()).toBe(round);
      expect(watch.manager.stats().skipped).toBe(2 * round);
      await end();
    }
    expect(watch.manager.stats()).toMatchObject({ run: 4, failed: 2 });
    expect(watch.errors).toHaveLength(2);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('then');
      },
      1,
    ],
    [
      'tells twice',
      (resolve: () => void) => {
        resolve();
        resolve();
      },
      0,
    ],
  ])('a then() that %s', async (_what, then, errors) => {
    const watch = new ManualClock();
    let runs = 0;
    const task = new RecurringFunctionTask(10, () => {
      runs += 1;
      // oxlint-disable-next-line unicorn/no-thenable -- that is the point
      return { then };
    });
    watch.manager.installTask(task);
    for (let round = 1; round <= 3; round += 1) {
      watch.pass(10);
      await within(new Promise((resolve) => setImmediate(resolve)), 'a turn');
      expect([runs, watch.errors.length]).toEqual([round, round * errors]);
    }
    expect(watch.manager.stats().skipped).toBe(0);
  });

  test('overlaps when it says so', async () => {
    const { watch, begun, end } = makeSlow(true);
    watch.pass(10);
    watch.pass(10);
    watch.pass(10);
    expect(begun()).toBe(3);
    expect(watch.manager.stats().skipped).toBe(0);
    await end();
  });
});
