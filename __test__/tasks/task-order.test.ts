/** The order in which a manager runs its tasks, and the times that tasks show. */

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, RunLoop } from 'waitable-event';

import { ManualClock } from '../support/tasks/manual-clock';

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
  test('of a task with a delta is on the wall clock as it is when it is first read', () => {
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
