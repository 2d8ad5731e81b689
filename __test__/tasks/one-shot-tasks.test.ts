/** Tasks that run once. */

import { runInNewContext } from 'node:vm';

import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  FunctionTask,
  OneShotDeleteTask,
  OneShotFunction,
  OneShotTask,
  RecurringFunctionTask,
  Task,
  core,
  recurringFunction,
} from 'waitable-event';

import { codeOf } from '../support/outcomes';
import { Logger } from '../support/tasks/logger';
import { ManualClock } from '../support/tasks/manual-clock';
import { until } from '../support/threads';
import { within } from '../support/timing';

let log: unknown[];

class Empty extends Task {}

beforeEach(() => {
  log = [];
});

describe('OneShotTask and OneShotDeleteTask', () => {
  test.each([OneShotTask, OneShotDeleteTask])('%p runs once, at the time it was made with', (Base) => {
    class Once extends Base {
      override processTask(): void {
        log.push(this.taskTime);
      }
    }
    const { manager, loop } = new ManualClock();
    const task = new Once(5);
    expect([task.taskTime, task.isScheduled]).toEqual([5, false]);
    manager.installTask(task);
    expect(task.isScheduled).toBe(true);
    loop.runOnce();
    loop.runOnce();
    expect(log).toEqual([5]);
    expect([task.taskTime, task.isScheduled]).toEqual([5, false]);
  });

  test('takes a Date', () => {
    expect(new Logger(log, 'a', new Date(7)).taskTime).toBe(7);
    expect(new Logger(log, 'a', runInNewContext('new Date(7)') as Date).taskTime).toBe(7);
    expect(codeOf(() => new Logger(log, 'a', new Date(NaN)))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => new Logger(log, 'a', '7' as unknown as number))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('refuses a taskTime that is no time', () => {
    const task = new Logger(log, 'a', 7);
    expect(codeOf(() => (task.taskTime = '8' as unknown as number))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => (task.taskTime = NaN))).toBe('ERR_INVALID_ARG_VALUE');
    expect(task.taskTime).toBe(7);
    task.taskTime = null;
    expect(task.taskTime).toBeNull();
  });

  test('may be installed again after it has run, and then runs again', () => {
    const { manager, loop } = new ManualClock();
    const task = new Logger(log, 'a');
    manager.installTask(task, { delta: 0 });
    loop.runOnce();
    manager.installTask(task, { delta: 0 });
    loop.runOnce();
    expect(log).toEqual(['a', 'a']);
  });
});

describe('FunctionTask and OneShotFunction', () => {
  test('FunctionTask calls its function with its arguments when it is installed', () => {
    const watch = new ManualClock();
    const task = new FunctionTask((...args: unknown[]) => log.push(args), 1, 'two', null);
    expect(task).toBeInstanceOf(OneShotTask);
    watch.pass(1);
    expect(log).toEqual([]);
    watch.manager.installTask(task, { delta: 0 });
    watch.pass();
    expect(log).toEqual([[1, 'two', null]]);
  });

  test('OneShotFunction installs itself, due now', async () => {
    const ended = core.run();
    const task = new OneShotFunction((...args: unknown[]) => log.push(args), 1, 2);
    expect([task.isScheduled, task instanceof FunctionTask]).toEqual([true, true]);
    await until(() => log.length > 0, 'the function');
    expect(log).toEqual([[1, 2]]);
    core.stop();
    await within(ended, 'the end of the loop');
  });

  test.each([undefined, null, {}, 'fn'])('%p is refused in the constructor', (fn) => {
    expect(codeOf(() => new FunctionTask(fn as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new OneShotFunction(fn as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new RecurringFunctionTask(5, fn as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => recurringFunction(5)(fn as never))).toBe('ERR_INVALID_ARG_TYPE');
  });
});

describe('a task without a body', () => {
  test('fails with ERR_INVALID_TASK when it runs', () => {
    const watch = new ManualClock();
    watch.manager.installTask(new Empty(), { delta: 0 });
    watch.pass();
    expect(watch.errors).toMatchObject([{ code: 'ERR_INVALID_TASK', message: 'processTask must be overridden' }]);
  });
});
