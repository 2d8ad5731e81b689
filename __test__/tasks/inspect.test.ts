/** What util.inspect() shows of tasks and managers. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { OneShotTask, RecurringTask, RunLoop, type TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { shownBy, textOf } from '../support/inspect';

const WHEN = Date.UTC(2100, 0, 1);

let manager: TaskManager;

beforeEach(() => {
  manager = new RunLoop().taskManager;
  finallyDo(() => manager.close());
});

describe('the text of a task', () => {
  test('says whether it is scheduled, and for which time', () => {
    const task = new OneShotTask();
    expect(textOf(task)).toBe('OneShotTask { scheduled: false, taskTime: null }');
    manager.installTask(task, { when: WHEN });
    expect(textOf(task)).toBe(`OneShotTask { scheduled: true, taskTime: ${WHEN} }`);
    task.suspendTask();
    expect(textOf(task)).toBe(`OneShotTask { scheduled: false, taskTime: ${WHEN} }`);
  });

  test('says the interval of a recurring task', () => {
    const task = new RecurringTask(1000, 5);
    manager.installTask(task);
    expect(shownBy(task)).toEqual(['scheduled', 'taskTime', 'taskInterval', 'taskIntervalOffset', 'overlap']);
    expect(textOf(task)).toContain('taskInterval: 1000, taskIntervalOffset: 5, overlap: false');
  });

  test('has the name and the fields of a subclass', () => {
    class Sample extends OneShotTask {
      sensor = 3;
    }
    expect(textOf(new Sample())).toBe('Sample { scheduled: false, taskTime: null, sensor: 3 }');
  });
});

describe('the text of a manager', () => {
  test('says how many tasks are pending, which handlers it has, and whether it is closed', () => {
    expect(textOf(manager)).toBe('TaskManager { pending: 0, handlers: [], closed: false }');
    manager.define('sample', () => {});
    manager.installTask(new OneShotTask(WHEN));
    manager.schedule('sample', 1, { delta: 3_600_000 });
    expect(textOf(manager)).toBe("TaskManager { pending: 2, handlers: [ 'sample' ], closed: false }");
    manager.close();
    expect(textOf(manager)).toContain('closed: true');
  });
});
