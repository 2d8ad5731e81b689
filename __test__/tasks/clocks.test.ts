/** Tasks on the monotonic clock and on the wall clock, also when the latter is set. */

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, RunLoop } from 'waitable-event';

import { Owner } from '../support/remote/task-managers';
import { ManualClock } from '../support/tasks/manual-clock';
import { monotonic, until } from '../support/threads';

const DAY = 86_400_000;

function logger(log: unknown[], name: unknown, priority: number = 0): FunctionTask {
  const task = new FunctionTask(() => log.push(name));
  task.priority = priority;
  return task;
}

describe('a pass that is told of many tasks in one turn', () => {
  test.each(['falling', 'rising'])('runs each at its time; %s', async (direction) => {
    const { manager } = new Owner();
    const log: number[] = [];
    const early: number[] = [];
    const deltas = Array.from({ length: 200 }, (_, index) => index / 10);
    for (const delta of direction === 'falling' ? deltas.toReversed() : deltas) {
      const before = monotonic();
      const task = new FunctionTask(() => {
        log.push(delta);
        early.push(before + delta - monotonic());
      });
      manager.installTask(task, { delta });
    }
    await until(() => log.length === deltas.length, 'all of them');
    expect(Math.max(...early)).toBeLessThanOrEqual(0);
  });
});

describe('on the clocks of the system', () => {
  test.each([0, 0.05, 0.4, 0.999, 3.3])('a delta of %p ms is never early', async (delta) => {
    const { manager } = new Owner();
    const early: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      let ran = false;
      const before = monotonic();
      const task = new FunctionTask(() => {
        early.push(before + delta - monotonic());
        ran = true;
      });
      manager.installTask(task, { delta });
      await until(() => ran, 'the task');
    }
    expect(Math.max(...early)).toBeLessThanOrEqual(0);
  });

  test('a delta is never early in runSync() either', () => {
    const loop = new RunLoop();
    const early: number[] = [];
    const next = (): void => {
      if (early.length === 20) {
        loop.stop();
        return;
      }
      const before = monotonic();
      const delta = early.length / 7;
      const task = new FunctionTask(() => {
        early.push(before + delta - monotonic());
        next();
      });
      loop.taskManager.installTask(task, { delta });
    };
    next();
    loop.runSync();
    expect(Math.max(...early)).toBeLessThanOrEqual(0);
  });

  test('the time on the wall clock neither goes back nor runs ahead of that of the system', () => {
    const { manager } = new Owner();
    const steps: number[] = [];
    const ahead: number[] = [];
    for (let last = manager.getTime(), count = 0; count < 100_000; count += 1) {
      const now = manager.getTime();
      ahead.push(Math.floor(now) - Date.now());
      steps.push(now - last);
      last = now;
    }
    expect(steps.filter((step) => step < 0)).toEqual([]);
    expect(ahead.filter((step) => step > 0)).toEqual([]);
  });

  test('a time on the wall clock is never early', async () => {
    const { manager } = new Owner();
    const early: number[] = [];
    let left = 200;
    for (let index = 0; index < 200; index += 1) {
      const when = manager.getTime() + index / 20;
      const task = new FunctionTask(() => {
        early.push(when - manager.getTime());
        left -= 1;
      });
      manager.installTask(task, { when });
    }
    await until(() => left === 0, 'all of them');
    expect(Math.max(...early)).toBeLessThanOrEqual(0);
  });

  test.each([
    ['25 days', 25 * DAY],
    ['2^31 ms', 2 ** 31],
    ['2^32 + 1 ms', 2 ** 32 + 1],
    ['300 years', 300 * 365 * DAY],
    ['Infinity', Infinity],
  ])('a delay of %s does not end, and emits no warning', async (_name, delta) => {
    const warnings: string[] = [];
    const onWarning = ({ message }: Error): number => warnings.push(message);
    process.on('warning', onWarning);
    const { manager, log } = new Owner();
    manager.installTask(logger(log, 'delta'), { delta });
    manager.installTask(logger(log, 'when'), { when: Date.now() + delta });
    manager.installTask(logger(log, 'soon'), { delta: 3 });
    await until(() => log.length > 0, 'a task that is due soon');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    process.off('warning', onWarning);
    expect(log).toEqual(['soon']);
    expect(warnings).toEqual([]);
    expect(manager.stats().pending).toBe(2);
  });
});

describe('when the wall clock is set', () => {
  test('a delta is what it was', () => {
    const watch = new ManualClock();
    const log: unknown[] = [];
    watch.manager.installTask(logger(log, 'a'), { delta: 10 });
    watch.step(3_600_000);
    watch.pass(9);
    expect(log).toEqual([]);
    watch.step(-7_200_000);
    watch.pass(1);
    expect(log).toEqual(['a']);
  });

  test('a time on the wall clock follows it, forward and back', () => {
    const watch = new ManualClock();
    const log: unknown[] = [];
    const when = watch.manager.getTime() + 1000;
    watch.manager.installTask(logger(log, 'a'), { when });
    watch.step(-500);
    watch.pass(1200);
    expect(log).toEqual([]);
    watch.step(200);
    watch.pass(100.001);
    expect(log).toEqual(['a']);
    watch.manager.installTask(logger(log, 'b'), { when: watch.manager.getTime() + 3_600_000 });
    watch.step(3_600_000);
    watch.pass();
    expect(log).toEqual(['a', 'b']);
  });

  test.each([0, -0.0001, -0.3, -0.499])('by %p ms, a time on it is not early, and the order stays', (step) => {
    const watch = new ManualClock();
    const { manager } = watch;
    const start = manager.getTime();
    const log: string[] = [];
    const early: number[] = [];
    const install = (name: string, when: number): void => {
      const task = new FunctionTask(() => {
        log.push(name);
        early.push(when - manager.getTime());
      });
      manager.installTask(task, { when });
    };
    for (const name of ['a', 'b', 'c']) {
      install(name, start + 10);
    }
    install('e', start + 10.2);
    manager.installTask(logger(log, 'on the other clock'), { delta: 10 });
    watch.step(step);
    install('d', start + 10.1);
    watch.pass(9.9);
    for (let passes = 0; passes < 100; passes += 1) {
      watch.pass(0.01);
    }
    expect(Math.max(...early)).toBeLessThanOrEqual(0);
    expect(log.filter((name) => name.length === 1)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(log).toContain('on the other clock');
    expect(manager.stats().pending).toBe(0);
  });

  test('getNextTask() does not return a time on it early, and says how long it takes', () => {
    const watch = new ManualClock();
    const { manager } = watch;
    const task = new FunctionTask(() => {});
    manager.installTask(task, { when: manager.getTime() + 10 });
    watch.step(-0.25);
    watch.pass(10);
    expect(manager.getNextTask()).toEqual([null, 0.25]);
    watch.now += 0.25;
    expect(manager.getNextTask()).toEqual([task, null]);
  });

  test('tasks of both kinds keep their order', () => {
    const watch = new ManualClock();
    const log: unknown[] = [];
    const wall = watch.manager.getTime();
    for (let index = 0; index < 50; index += 1) {
      watch.manager.installTask(logger(log, `when ${index}`), { when: wall + 100 + index });
      watch.manager.installTask(logger(log, `delta ${index}`), { delta: 100 + index });
    }
    watch.step(-1000);
    watch.pass(200);
    expect(log).toEqual(Array.from({ length: 50 }, (_, index) => `delta ${index}`));
    watch.pass(1000);
    expect(log.slice(50)).toEqual(Array.from({ length: 50 }, (_, index) => `when ${index}`));
  });

  test('a recurring task goes on, on the grid of the new time, once at each point', () => {
    const watch = new ManualClock();
    const points: number[] = [];
    const task: RecurringFunctionTask = new RecurringFunctionTask(100, () => points.push(watch.manager.getTime()));
    watch.manager.installTask(task);
    for (const step of [0, 37, -1000, 86_400_000, -0.3, 0.2]) {
      watch.step(step);
      for (let index = 0; index < 300; index += 1) {
        watch.pass(1);
      }
      // At the latest within an interval, and no more often than there are points.
      expect(points.length).toBeGreaterThanOrEqual(2);
      expect(points.length).toBeLessThanOrEqual(4);
      points.length = 0;
    }
  });

  test('a clock that is slowed down a little does not make a point come twice', () => {
    const watch = new ManualClock();
    let runs = 0;
    watch.manager.installTask(new RecurringFunctionTask(100, () => (runs += 1)));
    watch.pass(50);
    // Too little to put anything in order again.
    watch.step(-0.4);
    for (let index = 0; index < 550; index += 1) {
      watch.pass(0.1);
    }
    expect(runs).toBe(1);
  });
});
