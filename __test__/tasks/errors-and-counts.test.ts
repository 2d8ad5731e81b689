/** What becomes of the errors of tasks, their async context, and what stats() counts. */

import { AsyncLocalStorage } from 'node:async_hooks';

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, OneShotTask, RecurringFunctionTask, RunLoop, type Task, TaskManager } from 'waitable-event';

import { Owner } from '../support/remote/task-managers';
import { ManualClock } from '../support/tasks/manual-clock';
import { until } from '../support/threads';

function logger(log: unknown[], name: unknown, priority: number = 0): FunctionTask {
  const task = new FunctionTask(() => log.push(name));
  task.priority = priority;
  return task;
}

describe('errors', () => {
  test('go to onError with the name of the class, and other tasks run', () => {
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

  test('of promises go to onError too', async () => {
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

  test('that onError throws do not stop other tasks', () => {
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
  test('in which a task was installed is active in each of its runs', () => {
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

describe('stats() counts', () => {
  test('tasks that were scheduled, run, failed, left out, and wait', () => {
    const watch = new ManualClock();
    const { manager } = watch;
    expect(manager.stats()).toMatchObject({
      run: 0,
      failed: 0,
      skipped: 0,
      cancelled: 0,
      incomplete: 0,
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
