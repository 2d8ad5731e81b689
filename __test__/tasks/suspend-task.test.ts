/** suspendTask() and resumeTask(). */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask } from 'waitable-event';

import { codeOf, messageOf } from '../support/outcomes';
import { Logger } from '../support/tasks/logger';
import { ManualClock } from '../support/tasks/manual-clock';

let log: unknown[];

beforeEach(() => {
  log = [];
});

describe('suspendTask() and resumeTask()', () => {
  test('a task that is suspended does not run; resumed, it runs at its time', () => {
    const watch = new ManualClock();
    const task = new Logger(log, 'a');
    watch.manager.installTask(task, { delta: 10 });
    const { taskTime } = task;
    task.suspendTask();
    expect([task.isScheduled, task.taskTime]).toEqual([false, taskTime]);
    watch.pass(5);
    task.resumeTask();
    expect([task.isScheduled, task.taskTime]).toEqual([true, taskTime]);
    watch.pass(4);
    expect(log).toEqual([]);
    watch.pass(1.001);
    expect(log).toEqual(['a']);
  });

  test('a task whose time has passed meanwhile runs in the next pass', () => {
    const watch = new ManualClock();
    const task = new Logger(log, 'a');
    watch.manager.installTask(task, { delta: 10 });
    watch.manager.suspendTask(task);
    watch.pass(50);
    watch.manager.resumeTask(task);
    watch.pass();
    expect(log).toEqual(['a']);
  });

  test('suspending what is not installed, and suspending twice, does nothing', () => {
    const [watch, other] = [new ManualClock(), new ManualClock()];
    const task = new Logger(log, 'a');
    task.suspendTask();
    watch.manager.suspendTask(task);
    watch.manager.installTask(task, { delta: 1 });
    other.manager.suspendTask(task);
    expect(task.isScheduled).toBe(true);
    task.suspendTask();
    task.suspendTask();
    watch.pass(5);
    expect(log).toEqual([]);
  });

  test('resumeTask() of a task that was never installed throws ERR_INVALID_TASK', () => {
    const { manager } = new ManualClock();
    const [code, message] = messageOf(() => manager.resumeTask(new Logger(log, 'a')));
    expect(code).toBe('ERR_INVALID_TASK');
    expect(message).toMatch(/^task time is None/);
    expect(codeOf(() => new RecurringFunctionTask(5, () => {}).resumeTask())).toBe('ERR_INVALID_TASK');
  });

  test('resuming what is installed leaves it where it is', () => {
    const watch = new ManualClock();
    const task = new Logger(log, 'a');
    watch.manager.installTask(task, { delta: 3 });
    task.resumeTask();
    expect(watch.manager.stats().pending).toBe(1);
    watch.pass(3.001);
    watch.pass(10);
    expect(log).toEqual(['a']);
  });

  test('one that is due is not run when an earlier one suspends it', () => {
    const watch = new ManualClock();
    const victim = new Logger(log, 'victim');
    watch.manager.installTask(new FunctionTask(() => victim.suspendTask()), { delta: 1 });
    watch.manager.installTask(victim, { delta: 1 });
    watch.pass(5);
    expect(log).toEqual([]);
  });
});
