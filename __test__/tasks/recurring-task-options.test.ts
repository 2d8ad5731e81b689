/** The interval and the offset of recurring tasks. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RecurringFunctionTask, RecurringTask, core, recurringFunction } from 'waitable-event';

import { codeOf, messageOf } from '../support/outcomes';
import { ManualClock } from '../support/tasks/manual-clock';
import { until } from '../support/threads';
import { within } from '../support/timing';

let log: unknown[];

beforeEach(() => {
  log = [];
});

describe('RecurringTask', () => {
  const missing = ['ERR_INVALID_TASK', 'interval unset, use the constructor or the installTask parameter'];
  const tooSmall = ['ERR_INVALID_TASK', 'interval must be greater than zero'];

  test('needs an interval', () => {
    const { manager } = new ManualClock();
    expect(messageOf(() => new RecurringTask().installTask())).toEqual(missing);
    expect(messageOf(() => manager.installTask(new RecurringTask(), { delta: 5, when: 5 }))).toEqual(missing);
  });

  test.each([0, -1, -0, Infinity, Number.NEGATIVE_INFINITY])('an interval of %p is refused', (interval) => {
    const { manager } = new ManualClock();
    expect(messageOf(() => manager.installTask(new RecurringTask(interval)))).toEqual(tooSmall);
    expect(messageOf(() => manager.installTask(new RecurringTask(5), { interval }))).toEqual(tooSmall);
  });

  test.each([NaN, Infinity, Number.NEGATIVE_INFINITY])('an offset of %p is refused', (offset) => {
    const { manager } = new ManualClock();
    expect(codeOf(() => new RecurringTask(5, offset))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => manager.installTask(new RecurringTask(5), { offset }))).toBe('ERR_INVALID_ARG_VALUE');
  });

  test('takes interval and offset from installTask(), and keeps them', () => {
    const watch = new ManualClock();
    const task = new RecurringFunctionTask(1000, () => {});
    watch.manager.installTask(task, { interval: 10, offset: 3 });
    expect([task.taskInterval, task.taskIntervalOffset]).toEqual([10, 3]);
    watch.manager.installTask(task);
    expect([task.taskInterval, task.taskIntervalOffset]).toEqual([10, 3]);
  });

  test('RecurringFunctionTask is not installed by itself, and calls its function with its arguments', () => {
    const watch = new ManualClock();
    const task = new RecurringFunctionTask(10, (...args: unknown[]) => log.push(args), 1, 'two');
    expect([task.isScheduled, task instanceof RecurringTask]).toEqual([false, true]);
    watch.manager.installTask(task);
    watch.pass(10);
    watch.pass(10);
    expect(log).toEqual([
      [1, 'two'],
      [1, 'two'],
    ]);
  });
});

describe('recurringFunction()', () => {
  afterEach(() => {
    core.stop();
  });

  test('installs the function, which can still be called', async () => {
    const ended = core.run();
    const tick = recurringFunction(1)((...args: unknown[]) => {
      log.push(args);
      return args.length;
    });
    expect(tick(1, 2)).toBe(2);
    expect(log).toEqual([[1, 2]]);
    await until(() => log.length >= 3, 'the function to run by itself');
    expect(log[1]).toEqual([]);
    expect(tick.task).toBeInstanceOf(RecurringTask);
    tick.task.suspendTask();
    core.stop();
    await within(ended, 'the end of the loop');
  });

  test('uses the offset', () => {
    const tick = recurringFunction(3_600_000, -600_000)(() => {});
    expect(tick.task.taskIntervalOffset).toBe(-600_000);
    expect(((tick.task.taskTime ?? 0) + 600_000) % 3_600_000).toBe(0);
    tick.task.suspendTask();
  });
});
