/** The task manager in its own thread: order, the methods of BACpypes' TaskManager, and what it counts. */

import { AsyncLocalStorage } from 'node:async_hooks';

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, OneShotTask, RecurringFunctionTask, RunLoop, type Task, TaskManager } from 'waitable-event';

import { Owner } from '../support/remote/task-managers';
import { ManualClock } from '../support/tasks/manual-clock';
import { monotonic, until } from '../support/threads';

const DAY = 86_400_000;

function logger(log: unknown[], name: unknown, priority: number = 0): FunctionTask {
  const task = new FunctionTask(() => log.push(name));
  task.priority = priority;
  return task;
}

describe('order', () => {
  test('by time, then by priority, then as they were installed', () => {
    const { manager, loop } = new ManualClock();
    const log: string[] = [];
    for (const [name, when, priority] of [
      ['d', 2000, 0],
      ['c1', 1000, 5],
      ['b1', 1000, 0],
      ['c2', 1000, 5],
      ['a', 1000, -5],
      ['b2', 1000, 0],
      ['first', 999.5, 9],
    ] as const) {
      manager.installTask(logger(log, name, priority), { when });
    }
    loop.runOnce();
    expect(log).toEqual(['first', 'a', 'b1', 'b2', 'c1', 'c2', 'd']);
  });

  test('of equal times on the wall clock holds on the real clock too', () => {
    const loop = new RunLoop();
    const log: number[] = [];
    for (let index = 0; index < 1000; index += 1) {
      loop.taskManager.installTask(logger(log, index), { when: 1000 });
    }
    loop.runOnce();
    expect(log).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  test('a task that is installed again goes behind its equals', () => {
    const { manager, loop } = new ManualClock();
    const log: string[] = [];
    const first = logger(log, 'first');
    manager.installTask(first, { when: 1 });
    manager.installTask(logger(log, 'second'), { when: 1 });
    manager.installTask(first, { when: 1 });
    loop.runOnce();
    expect(log).toEqual(['second', 'first']);
  });

  test('what a task installs, due now, runs in the next pass', () => {
    const watch = new ManualClock();
    const log: string[] = [];
    const again = (): void => {
      log.push('again');
      watch.manager.installTask(new FunctionTask(again), { delta: 0 });
    };
    watch.manager.installTask(new FunctionTask(again), { delta: 0 });
    watch.manager.installTask(logger(log, 'other'), { delta: 0 });
    watch.pass();
    expect(log).toEqual(['again', 'other']);
    watch.pass();
    expect(log).toEqual(['again', 'other', 'again']);
  });

  test('10 000 tasks at random times', () => {
    const watch = new ManualClock();
    const log: number[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      const delta = Math.random() * 1000;
      watch.manager.installTask(logger(log, delta), { delta });
    }
    watch.pass(1000);
    expect(log).toHaveLength(10_000);
    expect(log).toEqual(log.toSorted((a, b) => a - b));
  });
});

describe("BACpypes' methods", () => {
  test('getTime() is the wall clock, in milliseconds', () => {
    const manager = new RunLoop().taskManager;
    const before = Date.now();
    const time = manager.getTime();
    // Date.now() has no fractions.
    expect(time).toBeGreaterThan(before - 1);
    expect(time).toBeLessThan(Date.now() + 1.001);
  });

  test('getNextTask() takes out the one that is due, and tells how long it is until the next', () => {
    const watch = new ManualClock();
    const { manager } = watch;
    expect(manager.getNextTask()).toEqual([null, null]);
    const [first, second] = [logger([], 1), logger([], 2)];
    manager.installTask(first, { delta: 10 });
    manager.installTask(second, { delta: 25 });
    expect(manager.getNextTask()).toEqual([null, 10]);
    watch.now += 10;
    const [task, delta] = manager.getNextTask();
    expect(task).toBe(first);
    expect([first.isScheduled, delta]).toEqual([false, 15]);
    watch.now += 100;
    manager.installTask(first, { delta: -1 });
    expect(manager.getNextTask()).toEqual([second, 0]);
  });

  test('processTask() runs a task now, and installs a recurring one again', () => {
    const watch = new ManualClock();
    const log: string[] = [];
    watch.manager.processTask(logger(log, 'once'));
    const recurring = new RecurringFunctionTask(10, () => log.push('recurring'));
    watch.manager.processTask(recurring);
    expect(log).toEqual(['once', 'recurring']);
    expect([recurring.isScheduled, watch.manager.stats().pending]).toEqual([true, 1]);
    watch.pass(10);
    expect(log).toEqual(['once', 'recurring', 'recurring']);
  });

  test('a program may run its tasks by these alone', () => {
    const watch = new ManualClock();
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      watch.manager.installTask(logger(log, name), { delta: 5 });
    }
    watch.now += 5;
    for (let [task] = watch.manager.getNextTask(); task !== null; [task] = watch.manager.getNextTask()) {
      watch.manager.processTask(task);
    }
    expect(log).toEqual(['a', 'b', 'c']);
  });
});

describe('taskTime', () => {
  test('of a task that was installed from now on is on the wall clock as it is when somebody asks first', () => {
    const watch = new ManualClock();
    const [asked, unasked] = [logger([], 1), logger([], 2)];
    watch.manager.installTask(asked, { delta: 10 });
    watch.manager.installTask(unasked, { delta: 10 });
    const time = watch.manager.getTime() + 10;
    expect(asked.taskTime).toBe(time);
    watch.step(1000);
    expect([asked.taskTime, unasked.taskTime, unasked.taskTime]).toEqual([time, time + 1000, time + 1000]);
  });

  test('of a task that was suspended on another clock is what it was', () => {
    const watch = new ManualClock();
    const [suspended, waiting, ran] = [logger([], 1), logger([], 2), logger([], 3)];
    const time = watch.manager.getTime();
    watch.manager.installTask(suspended, { delta: 10 });
    watch.manager.installTask(waiting, { delta: 20 });
    watch.manager.installTask(ran, { delta: 0 });
    watch.pass();
    suspended.suspendTask();
    watch.replaceClock({ monotonic: () => 5, offset: () => time - 5 });
    expect([suspended.taskTime, waiting.taskTime, ran.taskTime]).toEqual([time + 10, time + 20, time]);
    watch.manager.resumeTask(suspended);
    expect(watch.manager.getNextTask()).toEqual([null, 10]);
  });

  test('can be set, and is where the task is installed then', () => {
    const watch = new ManualClock();
    const log: unknown[] = [];
    const task = logger(log, 'a');
    task.taskTime = watch.manager.getTime() + 5;
    watch.manager.installTask(task);
    watch.pass(4);
    expect(log).toEqual([]);
    watch.pass(1.001);
    expect(log).toEqual(['a']);
    watch.manager.installTask(task, { delta: 7 });
    task.taskTime = 3;
    expect(task.taskTime).toBe(3);
    // What it is waiting for already is another matter.
    watch.pass(6);
    expect(log).toEqual(['a']);
    watch.pass(1);
    expect(log).toEqual(['a', 'a']);
    task.taskTime = null;
    expect(task.taskTime).toBeNull();
  });
});

describe('a task that moves to another manager', () => {
  test.each(['installTask', 'resumeTask', 'processTask'] as const)('by %s() is no longer in the first', (method) => {
    const [first, second] = [new ManualClock(), new ManualClock()];
    const log: unknown[] = [];
    const task = logger(log, 'a');
    first.manager.installTask(task, { delta: 10 });
    second.manager[method](task);
    expect(first.manager.stats().pending).toBe(0);
    second.pass(20);
    first.pass(20);
    expect(log).toEqual(['a']);
  });
});

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

  test.each([
    ['25 days', 25 * DAY],
    ['2^31 ms', 2 ** 31],
    ['2^32 + 1 ms', 2 ** 32 + 1],
    ['300 years', 300 * 365 * DAY],
    ['for ever', Infinity],
  ])('a delay of %s does not end, and warns nobody', async (_name, delta) => {
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

describe('when somebody sets the wall clock', () => {
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

  test('both sorts keep their places among each other', () => {
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

describe('errors', () => {
  test('go to onError with the name of the class, and the others run', () => {
    const told: unknown[] = [];
    const loop = new RunLoop();
    const manager = new TaskManager({ loop, onError: (...args) => told.push(args) });
    const error = new Error('thrown');
    class Thrower extends OneShotTask {
      override processTask(): never {
        throw error;
      }
    }
    const log: unknown[] = [];
    manager.installTask(new Thrower(), { delta: 0 });
    manager.installTask(logger(log, 'other'), { delta: 0 });
    loop.runOnce();
    expect(told).toEqual([[error, 'Thrower']]);
    expect(log).toEqual(['other']);
    expect(manager.stats()).toMatchObject({ run: 2, failed: 1 });
  });

  test('of promises go there too', async () => {
    const { manager, errors } = new Owner();
    manager.installTask(new FunctionTask(() => Promise.reject(new Error('rejected'))), { delta: 0 });
    await until(() => errors.length > 0, 'the error');
    expect(errors).toEqual([['Error: rejected', 'FunctionTask']]);
  });

  test('go to the console when there is no onError', () => {
    const { error: original } = console;
    const told: unknown[][] = [];
    console.error = (...args: unknown[]) => told.push(args);
    try {
      const loop = new RunLoop();
      const error = new Error('thrown');
      const task = new FunctionTask(() => {
        throw error;
      });
      loop.taskManager.installTask(task, { delta: 0 });
      loop.runOnce();
      expect(told).toEqual([['error in the task "FunctionTask"', error]]);
    } finally {
      console.error = original;
    }
  });

  test('that onError throws harm nobody', () => {
    const { error: original } = console;
    console.error = () => {};
    try {
      const loop = new RunLoop();
      const manager = new TaskManager({
        loop,
        onError: () => {
          throw new Error('from onError');
        },
      });
      const log: unknown[] = [];
      manager.installTask(new FunctionTask(() => JSON.parse('{')), { delta: 0 });
      manager.installTask(logger(log, 'other'), { delta: 0 });
      loop.runOnce();
      expect(log).toEqual(['other']);
    } finally {
      console.error = original;
    }
  });
});

describe('the async context', () => {
  test('of whoever installed a task is there when it runs, each time', () => {
    const watch = new ManualClock();
    const storage = new AsyncLocalStorage<string>();
    const log: unknown[] = [];
    const note = (): number => log.push(storage.getStore());
    storage.run('one', () => watch.manager.installTask(new FunctionTask(note), { delta: 1 }));
    storage.run('two', () => watch.manager.installTask(new RecurringFunctionTask(10, note)));
    watch.manager.installTask(new FunctionTask(note), { delta: 1 });
    watch.pass(1);
    expect(log).toEqual(['one', undefined]);
    for (let round = 0; round < 3; round += 1) {
      watch.pass(10);
    }
    expect(log).toEqual(['one', undefined, 'two', 'two', 'two']);
    expect(storage.getStore()).toBeUndefined();
  });
});

describe('what it counts', () => {
  test('tasks that were scheduled, run, failed, left out, and wait', () => {
    const watch = new ManualClock();
    const { manager } = watch;
    expect(manager.stats()).toMatchObject({
      run: 0,
      failed: 0,
      skipped: 0,
      cancelled: 0,
      torn: 0,
      dropped: 0,
      pending: 0,
      wakeUps: 0,
    });
    const tasks: Task[] = [logger([], 1), new FunctionTask(() => JSON.parse('{')), logger([], 2)];
    tasks.forEach((task, index) => manager.installTask(task, { delta: index * 10 }));
    watch.pass(10);
    expect(manager.stats()).toMatchObject({ run: 2, failed: 1, pending: 1 });
  });

  test('a task that is a hundred years late is counted and run', () => {
    const loop = new RunLoop();
    const manager = loop.taskManager;
    const log: unknown[] = [];
    manager.installTask(logger(log, 'late'), { when: 0 });
    manager.installTask(logger(log, 'later'), { when: Number.NEGATIVE_INFINITY });
    loop.runOnce();
    expect(log).toEqual(['later', 'late']);
    expect(manager.stats()).toMatchObject({ run: 2, failed: 0 });
  });
});
