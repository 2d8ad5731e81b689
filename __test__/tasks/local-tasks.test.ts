/** The classes of BACpypes' task module, in the thread that owns the manager. */

import { runInNewContext } from 'node:vm';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  FunctionTask,
  OneShotDeleteTask,
  OneShotFunction,
  OneShotTask,
  RecurringFunctionTask,
  RecurringTask,
  RunLoop,
  Task,
  TaskManager,
  core,
  recurringFunction,
} from 'waitable-event';

import { codeOf } from '../support/outcomes';
import { ManualClock } from '../support/tasks/manual-clock';
import { until } from '../support/threads';
import { within } from '../support/timing';

let log: unknown[];

class Logger extends OneShotTask {
  readonly name: string;

  constructor(name: string, when?: number | Date) {
    super(when);
    this.name = name;
  }

  override processTask(): void {
    log.push(this.name);
  }
}

class Empty extends Task {}

function messageOf(call: () => unknown): [code: string | undefined, message: string] {
  try {
    call();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return [code, message];
  }
  return [undefined, 'nothing was thrown'];
}

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
    expect(new Logger('a', new Date(7)).taskTime).toBe(7);
    expect(new Logger('a', runInNewContext('new Date(7)') as Date).taskTime).toBe(7);
    expect(codeOf(() => new Logger('a', new Date(NaN)))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => new Logger('a', '7' as unknown as number))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('has a time that is one', () => {
    const task = new Logger('a', 7);
    expect(codeOf(() => (task.taskTime = '8' as unknown as number))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => (task.taskTime = NaN))).toBe('ERR_INVALID_ARG_VALUE');
    expect(task.taskTime).toBe(7);
    task.taskTime = null;
    expect(task.taskTime).toBeNull();
  });

  test('may be installed again after it has run, and then runs again', () => {
    const { manager, loop } = new ManualClock();
    const task = new Logger('a');
    manager.installTask(task, { delta: 0 });
    loop.runOnce();
    manager.installTask(task, { delta: 0 });
    loop.runOnce();
    expect(log).toEqual(['a', 'a']);
  });
});

describe('installTask()', () => {
  test('when wins over delta, and both over the time it was made with', () => {
    const watch = new ManualClock();
    const { manager } = watch;
    const wall = manager.getTime();
    const task = new Logger('a', wall + 10);
    manager.installTask(task, { when: wall + 30, delta: 20 });
    expect(task.taskTime).toBe(wall + 30);
    manager.installTask(task, { delta: 20 });
    expect(task.taskTime).toBe(wall + 20);
    manager.installTask(task);
    expect(task.taskTime).toBe(wall + 20);
  });

  test('of a task that is installed moves it', () => {
    const watch = new ManualClock();
    const task = new Logger('moved');
    watch.manager.installTask(task, { delta: 10 });
    watch.manager.installTask(new Logger('other'), { delta: 20 });
    watch.manager.installTask(task, { delta: 30 });
    watch.pass(25);
    expect(log).toEqual(['other']);
    watch.pass(5);
    expect(log).toEqual(['other', 'moved']);
    expect(watch.manager.stats().pending).toBe(0);
  });

  test('in another manager takes it out of the first', () => {
    const [first, second] = [new ManualClock(), new ManualClock()];
    const task = new Logger('a');
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
    [() => new Logger('once'), { delta: NaN }],
    [() => new Logger('once'), { when: new Date(NaN) }],
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

  test('without any time says so', () => {
    const { manager } = new ManualClock();
    const words = ['ERR_INVALID_TASK', "schedule missing, use zero for 'now'"];
    expect(messageOf(() => manager.installTask(new Logger('a')))).toEqual(words);
    expect(messageOf(() => new Logger('a').installTask())).toEqual(words);
    expect(messageOf(() => new Empty().installTask({}))).toEqual(words);
  });

  test.each([{ delta: NaN }, { when: NaN }, { when: new Date('never') }])(
    '%p is refused, and changes nothing',
    (options) => {
      const watch = new ManualClock();
      const task = new Logger('a');
      watch.manager.installTask(task, { delta: 1 });
      expect(codeOf(() => watch.manager.installTask(task, options))).toBe('ERR_INVALID_ARG_VALUE');
      expect(task.isScheduled).toBe(true);
      watch.pass(1);
      expect(log).toEqual(['a']);
    },
  );

  test.each([5, null, 'now'])('options of %p are refused', (options) => {
    expect(codeOf(() => new Logger('a').installTask(options as never))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('what is no task is refused', () => {
    const { manager } = new ManualClock();
    for (const method of ['installTask', 'suspendTask', 'resumeTask', 'processTask'] as const) {
      expect(codeOf(() => manager[method]({} as Task))).toBe('ERR_INVALID_ARG_TYPE');
    }
  });

  test.each([0, -5, Number.NEGATIVE_INFINITY])('a delta of %p is due now', (delta) => {
    const watch = new ManualClock();
    watch.manager.installTask(new Logger('a'), { delta });
    watch.pass();
    expect(log).toEqual(['a']);
  });
});

test('a Date of another realm is one', () => {
  const { manager } = new ManualClock();
  const task = new Logger('once');
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
    const [task, recurring] = [new Logger('once'), new RecurringTask(10)];
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
    const task = new Logger('once');
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

describe('a task without a body', () => {
  test('says so when it runs', () => {
    const watch = new ManualClock();
    watch.manager.installTask(new Empty(), { delta: 0 });
    watch.pass();
    expect(watch.errors).toMatchObject([{ code: 'ERR_INVALID_TASK', message: 'processTask must be overridden' }]);
  });
});

describe('suspendTask() and resumeTask()', () => {
  test('a task that is suspended does not run; resumed, it runs at its time', () => {
    const watch = new ManualClock();
    const task = new Logger('a');
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

  test('a task whose time has passed meanwhile runs at once', () => {
    const watch = new ManualClock();
    const task = new Logger('a');
    watch.manager.installTask(task, { delta: 10 });
    watch.manager.suspendTask(task);
    watch.pass(50);
    watch.manager.resumeTask(task);
    watch.pass();
    expect(log).toEqual(['a']);
  });

  test('suspending what is not installed, and suspending twice, does nothing', () => {
    const [watch, other] = [new ManualClock(), new ManualClock()];
    const task = new Logger('a');
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

  test('resuming what was never installed says so', () => {
    const { manager } = new ManualClock();
    const [code, message] = messageOf(() => manager.resumeTask(new Logger('a')));
    expect(code).toBe('ERR_INVALID_TASK');
    expect(message).toMatch(/^task time is None/);
    expect(codeOf(() => new RecurringFunctionTask(5, () => {}).resumeTask())).toBe('ERR_INVALID_TASK');
  });

  test('resuming what is installed leaves it where it is', () => {
    const watch = new ManualClock();
    const task = new Logger('a');
    watch.manager.installTask(task, { delta: 3 });
    task.resumeTask();
    expect(watch.manager.stats().pending).toBe(1);
    watch.pass(3.001);
    watch.pass(10);
    expect(log).toEqual(['a']);
  });

  test('one that is due is not run when an earlier one suspends it', () => {
    const watch = new ManualClock();
    const victim = new Logger('victim');
    watch.manager.installTask(new FunctionTask(() => victim.suspendTask()), { delta: 1 });
    watch.manager.installTask(victim, { delta: 1 });
    watch.pass(5);
    expect(log).toEqual([]);
  });
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
  manager.installTask(new Logger('patient', 1));
  loop.runOnce();
  expect(log).toEqual(['pushy', 'patient']);
  loop.runOnce();
  expect(log).toEqual(['pushy', 'patient', 'pushy']);
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

  test.each([undefined, null, {}, 'fn'])('%p is no function, and that is said at once', (fn) => {
    expect(codeOf(() => new FunctionTask(fn as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new OneShotFunction(fn as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new RecurringFunctionTask(5, fn as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => recurringFunction(5)(fn as never))).toBe('ERR_INVALID_ARG_TYPE');
  });
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

  test('installs the function, which can be called besides', async () => {
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

  test('has an offset', () => {
    const tick = recurringFunction(3_600_000, -600_000)(() => {});
    expect(tick.task.taskIntervalOffset).toBe(-600_000);
    expect(((tick.task.taskTime ?? 0) + 600_000) % 3_600_000).toBe(0);
    tick.task.suspendTask();
  });
});

test('every loop has a manager of its own', () => {
  const [first, second] = [new RunLoop(), new RunLoop()];
  expect(first.taskManager).toBe(first.taskManager);
  expect(first.taskManager).not.toBe(second.taskManager);
  first.taskManager.installTask(new Logger('first'), { delta: 0 });
  second.runOnce();
  expect(log).toEqual([]);
  first.runOnce();
  expect(log).toEqual(['first']);
});
