/** Restated from BACpypes (core.py, task.py): each test is a case that its run loop or task manager gets wrong. */

import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { FunctionTask, OneShotFunction, RecurringFunctionTask, RunLoop, TaskManager, core } from 'waitable-event';

import { countDescriptors } from '../support/files';
import { codeOf } from '../support/outcomes';
import { countPasses } from '../support/run-loop/loops';
import { ManualClock } from '../support/tasks/manual-clock';
import { monotonic, until } from '../support/threads';
import { within } from '../support/timing';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('recurring tasks', () => {
  test('one that throws once runs again', () => {
    const watch = new ManualClock();
    let runs = 0;
    const task = new RecurringFunctionTask(10, () => {
      runs += 1;
      if (runs < 3) {
        throw new Error(`run ${runs}`);
      }
    });
    watch.manager.installTask(task);
    for (let index = 0; index < 5; index += 1) {
      watch.pass(10);
    }
    expect(runs).toBe(5);
    expect(watch.errors).toMatchObject([{ message: 'run 1' }, { message: 'run 2' }]);
    expect(watch.manager.stats().failed).toBe(2);
  });

  test('one that suspends itself stays suspended, and can be resumed', () => {
    const watch = new ManualClock();
    let runs = 0;
    const task: RecurringFunctionTask = new RecurringFunctionTask(10, () => {
      runs += 1;
      task.suspendTask();
    });
    watch.manager.installTask(task);
    watch.pass(10);
    watch.pass(10);
    watch.pass(10);
    expect([runs, task.isScheduled]).toEqual([1, false]);
    task.resumeTask();
    watch.pass(10);
    watch.pass(10);
    expect(runs).toBe(2);
  });

  test('one that is resumed waits for its next point, and does not run at the stale time', () => {
    const watch = new ManualClock();
    let runs = 0;
    const task = new RecurringFunctionTask(100, () => (runs += 1));
    watch.manager.installTask(task);
    task.suspendTask();
    watch.pass(1030);
    task.resumeTask();
    watch.pass();
    expect(runs).toBe(0);
    expect(task.taskTime).toBeGreaterThan(watch.manager.getTime());
    expect((task.taskTime as number) % 100).toBe(0);
    watch.pass((task.taskTime as number) - watch.manager.getTime());
    expect(runs).toBe(1);
  });
});

describe('without a loop that runs', () => {
  test('a function may be scheduled before anything else, and does not spoil what comes later', async () => {
    const log: string[] = [];
    const early = new OneShotFunction(() => log.push('early'));
    expect(early.isScheduled).toBe(true);
    const ended = core.run();
    await until(() => log.length > 0, 'the function');
    core.stop();
    await within(ended, 'the end of the loop');
    expect(log).toEqual(['early']);
  });

  test('installing twice is one task', () => {
    const loop = new RunLoop();
    const log: string[] = [];
    const task = new FunctionTask(() => log.push('run'));
    loop.taskManager.installTask(task, { delta: 0 });
    loop.taskManager.installTask(task, { delta: 0 });
    loop.runOnce();
    loop.runOnce();
    expect(log).toEqual(['run']);
    expect(loop.taskManager.stats().pending).toBe(0);
  });

  test('suspending what is not installed throws nothing', () => {
    expect(codeOf(() => new FunctionTask(() => {}).suspendTask())).toBeUndefined();
  });

  test('a stop() before run() is remembered', async () => {
    const loop = new RunLoop();
    loop.stop();
    await within(loop.run(), 'run()');
    loop.stop();
    loop.runSync();
    expect(loop.running).toBe(false);
  });
});

describe('deferred functions', () => {
  test('one that throws does not drop the rest', () => {
    jest.spyOn(console, 'error').mockImplementation(() => {});
    const loop = new RunLoop();
    const log: number[] = [];
    loop.deferred(() => log.push(1));
    loop.deferred(() => {
      throw new Error('deferred');
    });
    loop.deferred(() => log.push(2));
    loop.deferred(() => log.push(3));
    loop.runOnce();
    expect(log).toEqual([1, 2, 3]);
  });

  test('one that defers itself starves no task', async () => {
    const loop = new RunLoop();
    let calls = 0;
    let isOver = false;
    const task = new FunctionTask(() => {
      isOver = true;
      loop.stop();
    });
    const again = (): void => {
      calls += 1;
      if (!isOver) {
        loop.deferred(again);
      }
      // Not before it is under way: on a busy machine the task would be due first.
      if (calls === 10) {
        loop.taskManager.installTask(task, { delta: 5 });
      }
    };
    loop.deferred(again);
    await within(loop.run(), 'a task beside a function that defers itself');
    expect(calls).toBeGreaterThanOrEqual(10);
  });

  test('what is no function is refused where it is passed', () => {
    const loop = new RunLoop();
    expect(codeOf(() => loop.deferred(undefined as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => loop.deferred(null as never))).toBe('ERR_INVALID_ARG_TYPE');
  });
});

describe('the manager', () => {
  test('a task that becomes due between getNextTask() and processTask() does not vanish, nor does another run twice', () => {
    const watch = new ManualClock();
    const log: string[] = [];
    watch.manager.installTask(new FunctionTask(() => log.push('late')), { delta: 10 });
    watch.now += 20;
    const [taken] = watch.manager.getNextTask();
    watch.manager.installTask(new FunctionTask(() => log.push('early')), { delta: -100 });
    watch.manager.processTask(taken as FunctionTask);
    watch.pass();
    watch.pass();
    expect(log).toEqual(['late', 'early']);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'the wall clock is set in the middle of a pass, when it is read for the %pth time, and every task still runs once',
    (moment) => {
      const watch = new ManualClock();
      const log: string[] = [];
      const wall = watch.manager.getTime();
      watch.manager.installTask(new FunctionTask(() => log.push('wall')), { when: wall + 10 });
      watch.manager.installTask(new FunctionTask(() => log.push('delta')), { delta: 11 });
      watch.now += 20;
      let reads = 0;
      const { offset } = watch;
      Object.defineProperty(watch, 'offset', {
        get: () => {
          reads += 1;
          return reads < moment ? offset : offset - 1000;
        },
      });
      watch.pass();
      expect(log).toContain('delta');
      watch.pass(2000);
      watch.pass();
      expect(log.toSorted()).toEqual(['delta', 'wall']);
    },
  );

  test('two managers in one process do not run each other’s tasks', () => {
    const loops = [new RunLoop(), new RunLoop()] as const;
    const log: string[] = [];
    loops.forEach((loop, index) => {
      const first = new TaskManager({ loop });
      const second = new TaskManager({ loop });
      first.installTask(new FunctionTask(() => log.push(`first ${index}`)), { delta: 0 });
      second.installTask(new FunctionTask(() => log.push(`second ${index}`)), { delta: 0 });
    });
    loops[1].runOnce();
    expect(log.toSorted()).toEqual(['first 1', 'second 1']);
    loops[0].runOnce();
    expect(log).toHaveLength(4);
  });

  test('five tasks at one time run in their order, and deferred functions come after all of them', () => {
    const watch = new ManualClock();
    const log: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      watch.loop.deferred(() => log.push(`d${index}`));
      watch.manager.installTask(new FunctionTask(() => log.push(`t${index}`)), { when: 1 });
    }
    watch.pass();
    expect(log).toEqual(['t0', 't1', 't2', 't3', 't4', 'd0', 'd1', 'd2', 'd3', 'd4']);
  });

  test('the grid of recurring tasks is that of the epoch in every time zone', () => {
    // Thirty minutes of minutes are thirty runs: BACpypes has 30 or 31, as the zone goes.
    const watch = new ManualClock();
    let runs = 0;
    watch.manager.installTask(new RecurringFunctionTask(60_000, () => (runs += 1)));
    const limit = watch.now + 30 * 60_000;
    watch.now += 1;
    while (watch.now <= limit) {
      watch.pass();
      watch.now += 15_000;
    }
    watch.now = limit;
    watch.pass();
    expect(runs).toBe(30);
  });
});

/** What suspending one of so many costs, in nanoseconds. */
function costOfSuspending(count: number): number {
  const watch = new ManualClock();
  const tasks = Array.from({ length: count }, (_, index) => {
    const task = new FunctionTask(() => {});
    watch.manager.installTask(task, { delta: (index * 7919) % 1_000_003 });
    return task;
  });
  let least = Infinity;
  for (let round = 0; round < 10; round += 1) {
    const some = Array.from({ length: 500 }, (_, index) => tasks[(index * 97 + round) % count] as FunctionTask);
    const before = process.hrtime.bigint();
    some.forEach((task) => task.suspendTask());
    least = Math.min(least, Number(process.hrtime.bigint() - before) / some.length);
    expect(watch.manager.stats().pending).toBe(count - some.length);
    some.forEach((task) => task.installTask());
  }
  return least;
}

describe('costs', () => {
  test('suspending one of 200 000 tasks costs about as much as one of 1000', () => {
    costOfSuspending(1000);
    // A search through all of them costs 60 times as much; here it is 3 to 4 times, because of the caches.
    expect(costOfSuspending(200_000) / costOfSuspending(1000)).toBeLessThan(25);
  });

  test('an idle loop does not wake', async () => {
    const loop = new RunLoop();
    const count = countPasses(loop);
    const ended = loop.run();
    loop.taskManager.installTask(new FunctionTask(() => {}), { delta: 3_600_000 });
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    const before = count.passes;
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    expect(count.passes).toBe(before);
    loop.stop();
    await within(ended, 'the end of the loop');
  });

  test('a recurring task makes one pass for each run', async () => {
    const loop = new RunLoop();
    const count = countPasses(loop);
    let runs = 0;
    const task = new RecurringFunctionTask(2, () => {
      runs += 1;
      if (runs === 50) {
        loop.stop();
      }
    });
    loop.taskManager.installTask(task);
    await within(loop.run(), 'fifty runs');
    // One to begin with; an alarm may fire slightly early now and then.
    expect(count.passes).toBeLessThanOrEqual(runs + 10);
  });

  test('enableSleeping() is allowed, and delays nothing', () => {
    const loop = new RunLoop();
    loop.enableSleeping();
    loop.enableSleeping(1000);
    const before = monotonic();
    loop.taskManager.installTask(new FunctionTask(() => loop.stop()), { delta: 0 });
    loop.runSync();
    expect(monotonic() - before).toBeLessThan(1000);
  });

  test('a manager that is asked for no handle opens no descriptor', () => {
    const loop = new RunLoop();
    const before = countDescriptors();
    loop.taskManager.installTask(new FunctionTask(() => {}), { delta: 0 });
    loop.runOnce();
    expect(countDescriptors()).toBe(before);
    loop.taskManager.close();
  });

  test('no signal is taken unasked', async () => {
    const before = process.eventNames().map((name) => [name, process.listenerCount(name as NodeJS.Signals)]);
    const loop = new RunLoop();
    loop.taskManager.installTask(new FunctionTask(() => loop.stop()), { delta: 1 });
    await within(loop.run(), 'run()');
    expect(process.eventNames().map((name) => [name, process.listenerCount(name as NodeJS.Signals)])).toEqual(before);
  });
});
