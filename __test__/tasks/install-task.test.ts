/** installTask(): the time a task gets, and managers that it moves between. */

import { runInNewContext } from 'node:vm';

import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  FunctionTask,
  OneShotTask,
  RecurringFunctionTask,
  RecurringTask,
  RunLoop,
  Task,
  TaskManager,
} from 'waitable-event';

import { codeOf, messageOf } from '../support/outcomes';
import { Logger } from '../support/tasks/logger';
import { ManualClock } from '../support/tasks/manual-clock';

let log: unknown[];

class Empty extends Task {}

beforeEach(() => {
  log = [];
});

describe('installTask()', () => {
  test('uses `when` rather than `delta`, and both rather than the time of the constructor', () => {
    const watch = new ManualClock();
    const { manager } = watch;
    const wall = manager.getTime();
    const task = new Logger(log, 'a', wall + 10);
    manager.installTask(task, { when: wall + 30, delta: 20 });
    expect(task.taskTime).toBe(wall + 30);
    manager.installTask(task, { delta: 20 });
    expect(task.taskTime).toBe(wall + 20);
    manager.installTask(task);
    expect(task.taskTime).toBe(wall + 20);
  });

  test('moves a task that is installed', () => {
    const watch = new ManualClock();
    const task = new Logger(log, 'moved');
    watch.manager.installTask(task, { delta: 10 });
    watch.manager.installTask(new Logger(log, 'other'), { delta: 20 });
    watch.manager.installTask(task, { delta: 30 });
    watch.pass(25);
    expect(log).toEqual(['other']);
    watch.pass(5);
    expect(log).toEqual(['other', 'moved']);
    expect(watch.manager.stats().pending).toBe(0);
  });

  test('removes the task from the manager it was in', () => {
    const [first, second] = [new ManualClock(), new ManualClock()];
    const task = new Logger(log, 'a');
    first.manager.installTask(task, { delta: 1 });
    second.manager.installTask(task, { delta: 1 });
    first.pass(2);
    expect(log).toEqual([]);
    second.pass(2);
    expect(log).toEqual(['a']);
    // From now on it belongs there.
    task.installTask({ delta: 1 });
    expect(second.manager.stats().pending).toBe(1);
    task.suspendTask();
  });

  test.each([
    [() => new Logger(log, 'once'), { delta: NaN }],
    [() => new Logger(log, 'once'), { when: new Date(NaN) }],
    [() => new RecurringTask(10), { interval: 0 }],
    [() => new RecurringTask(10), { offset: Infinity }],
  ])('in another manager, with options that make no sense, leaves it where it is (%#)', (make, options) => {
    const [{ manager }, { manager: other }] = [new ManualClock(), new ManualClock()];
    const task = make();
    manager.installTask(task, { delta: 1000 });
    const time = task.taskTime;
    expect(() => other.installTask(task, options)).toThrow(
      expect.objectContaining({ code: expect.any(String) as unknown }),
    );
    expect([task.isScheduled, task.taskTime, manager.stats().pending]).toEqual([true, time, 1]);
  });

  test('without any time throws ERR_INVALID_TASK', () => {
    const { manager } = new ManualClock();
    const words = ['ERR_INVALID_TASK', "schedule missing, use zero for 'now': installTask({ delta: 0 })"];
    expect(messageOf(() => manager.installTask(new Logger(log, 'a')))).toEqual(words);
    expect(messageOf(() => new Logger(log, 'a').installTask())).toEqual(words);
    expect(messageOf(() => new Empty().installTask({}))).toEqual(words);
  });

  test.each([{ delta: NaN }, { when: NaN }, { when: new Date('never') }])(
    '%p is refused, and changes nothing',
    (options) => {
      const watch = new ManualClock();
      const task = new Logger(log, 'a');
      watch.manager.installTask(task, { delta: 1 });
      expect(codeOf(() => watch.manager.installTask(task, options))).toBe('ERR_INVALID_ARG_VALUE');
      expect(task.isScheduled).toBe(true);
      watch.pass(1);
      expect(log).toEqual(['a']);
    },
  );

  test.each([5, null, 'now'])('options of %p are refused', (options) => {
    expect(codeOf(() => new Logger(log, 'a').installTask(options as never))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('an option that does not exist is refused, and changes nothing', () => {
    const watch = new ManualClock();
    const once = new Logger(log, 'a');
    const recurring = new RecurringFunctionTask(1000, () => {});
    watch.manager.installTask(once, { delta: 1000 });
    for (const install of [
      () => once.installTask({ dleta: 5 } as never),
      () => watch.manager.installTask(once, { delta: 5, priority: 1 } as never),
      () => recurring.installTask({ intervall: 5 } as never),
    ]) {
      expect(codeOf(install)).toBe('ERR_INVALID_ARG_VALUE');
    }
    expect(messageOf(() => once.installTask({ dleta: 5 } as never))[1]).toContain('when, delta, interval, offset');
    watch.pass(999);
    expect([log, once.isScheduled, recurring.isScheduled]).toEqual([[], true, false]);
  });

  test('refuses what is no task', () => {
    const { manager } = new ManualClock();
    for (const method of ['installTask', 'suspendTask', 'resumeTask', 'processTask'] as const) {
      expect(codeOf(() => manager[method]({} as Task))).toBe('ERR_INVALID_ARG_TYPE');
    }
  });

  test.each([0, -5, Number.NEGATIVE_INFINITY])('a delta of %p is due now', (delta) => {
    const watch = new ManualClock();
    watch.manager.installTask(new Logger(log, 'a'), { delta });
    watch.pass();
    expect(log).toEqual(['a']);
  });
});

test('a Date of another realm is accepted', () => {
  const { manager } = new ManualClock();
  const task = new Logger(log, 'once');
  manager.installTask(task, { when: runInNewContext('new Date(5)') as Date });
  expect(task.taskTime).toBe(5);
});

test.each([
  'slot',
  'installation',
  'pending',
  'settled',
  'skips',
  'nextTime',
  'isRecurring',
  'timeHigh',
  'takenOut',
  'timeOn',
])('a subclass may have a field with the name %p', async (field) => {
  class Mine extends RecurringTask {
    runs = 0;
    override async processTask(): Promise<void> {
      this.runs += 1;
      await Promise.resolve();
    }
  }
  const watch = new ManualClock();
  const task = Object.assign(new Mine(10), { [field]: 7 });
  expect([task.isScheduled, task.taskTime]).toEqual([false, null]);
  watch.manager.installTask(task);
  for (let round = 0; round < 3; round += 1) {
    watch.pass(10);
    await Promise.resolve();
    await Promise.resolve();
  }
  task.suspendTask();
  expect([task.runs, task.isScheduled, Reflect.get(task, field), watch.errors]).toEqual([3, false, 7, []]);
});

describe('a manager that is closed', () => {
  test('refuses tasks, which stay where they are', () => {
    const [{ manager }, { manager: other }] = [new ManualClock(), new ManualClock()];
    const [task, recurring] = [new Logger(log, 'once'), new RecurringTask(10)];
    other.installTask(task, { delta: 5 });
    other.installTask(recurring);
    manager.close();
    const code = 'ERR_TASK_MANAGER_CLOSED';
    expect(codeOf(() => manager.installTask(task, { delta: 0 }))).toBe(code);
    expect(codeOf(() => manager.installTask(recurring))).toBe(code);
    expect(codeOf(() => manager.resumeTask(task))).toBe(code);
    expect(codeOf(() => manager.schedule('name'))).toBe(code);
    expect(other.stats().pending).toBe(2);
  });

  test('runs nothing any more, and keeps its tasks for another one', () => {
    const [{ manager, loop }, other] = [new ManualClock(), new ManualClock()];
    const task = new Logger(log, 'once');
    manager.installTask(new FunctionTask(() => manager.close()), { delta: 0 });
    manager.installTask(task, { delta: 0 });
    loop.runOnce();
    loop.runOnce();
    expect([log, task.isScheduled, codeOf(() => task.installTask())]).toEqual([[], true, 'ERR_TASK_MANAGER_CLOSED']);
    other.manager.installTask(task, { delta: 0 });
    other.loop.runOnce();
    expect([log, manager.stats().pending]).toEqual([['once'], 0]);
  });
});

test('managers that tasks make wait for the next pass', () => {
  const { manager, loop } = new ManualClock();
  let made = 0;
  const makeAnother = (): void => {
    made += 1;
    if (made < 100) {
      new TaskManager({ loop }).installTask(new FunctionTask(makeAnother), { delta: 0 });
    }
  };
  manager.installTask(new FunctionTask(makeAnother), { delta: 0 });
  loop.runOnce();
  expect(made).toBe(1);
  loop.runOnce();
  expect(made).toBe(2);
});

test('a pass runs all that was due when it began, also behind a task that is installed meanwhile and comes first', () => {
  const { manager, loop } = new ManualClock();
  class Pushy extends OneShotTask {
    override processTask(): void {
      log.push('pushy');
      this.installTask({ when: 0 });
    }
  }
  manager.installTask(new Pushy(0));
  manager.installTask(new Logger(log, 'patient', 1));
  loop.runOnce();
  expect(log).toEqual(['pushy', 'patient']);
  loop.runOnce();
  expect(log).toEqual(['pushy', 'patient', 'pushy']);
});

test('every loop has a manager of its own', () => {
  const [first, second] = [new RunLoop(), new RunLoop()];
  expect(first.taskManager).toBe(first.taskManager);
  expect(first.taskManager).not.toBe(second.taskManager);
  first.taskManager.installTask(new Logger(log, 'first'), { delta: 0 });
  second.runOnce();
  expect(log).toEqual([]);
  first.runOnce();
  expect(log).toEqual(['first']);
});
