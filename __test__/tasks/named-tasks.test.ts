/** Named tasks that the manager's own thread schedules, and the options of a manager. */

import { describe, expect, jest, test } from '@jest/globals';
import { FunctionTask, RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';

function makeManager(): { loop: RunLoop; manager: TaskManager; log: unknown[]; errors: unknown[] } {
  const loop = new RunLoop();
  const log: unknown[] = [];
  const errors: unknown[] = [];
  const manager = new TaskManager({ loop, onError: (error) => errors.push(error) });
  finallyDo(() => manager.close());
  manager.define('log', (payload) => log.push(payload));
  return { loop, manager, log, errors };
}

describe('schedule() of a manager returns a task', () => {
  test('that can be suspended, resumed and cancelled', async () => {
    const { loop, manager, log } = makeManager();
    const task = manager.schedule('log', 1);
    const other = manager.schedule('log', 2);
    expect([task.id, other.id]).toEqual([1, 2]);
    task.suspend();
    loop.runOnce();
    expect(log).toEqual([2]);
    task.resume();
    task.resume();
    loop.runOnce();
    expect([log, await task.cancel()]).toEqual([[2, 1], 'done']);
    const cancelled = manager.schedule('log', 3, { delta: 1 });
    expect([await cancelled.cancel(), await cancelled.cancel()]).toEqual(['cancelled', 'cancelled']);
    cancelled.resume();
    expect(manager.stats()).toMatchObject({ scheduled: 3, run: 2, cancelled: 1, pending: 0 });
  });

  test('whose handler learns that it was cancelled while it ran', async () => {
    const { loop, manager } = makeManager();
    const ends: ((value?: unknown) => void)[] = [];
    const signals: AbortSignal[] = [];
    manager.define('slow', (_payload, { signal }) => {
      signals.push(signal);
      return new Promise((resolve) => {
        ends.push(resolve);
      });
    });
    const task = manager.schedule('slow');
    loop.runOnce();
    expect([await task.cancel(), signals[0]?.aborted]).toEqual(['running', true]);
    ends[0]?.();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(await task.cancel()).toBe('done');
  });

  test('which is recurring until it is cancelled', async () => {
    const { manager } = makeManager();
    const task = manager.schedule('log', 1, { interval: 3_600_000 });
    expect(manager.stats().pending).toBe(1);
    expect(await task.cancel()).toBe('cancelled');
    expect(manager.stats().pending).toBe(0);
  });
});

test('negative delays run in the order of their times', () => {
  const { loop, manager, log } = makeManager();
  const remote = TaskManager.connect(manager.handle);
  finallyDo(() => remote.close());
  // Minutes apart: the times count from the moment of each call, and a busy machine may pause between two calls.
  for (const delta of [0, -120_000, -Infinity, -1e9, -60_000]) {
    manager.schedule('log', delta, { delta });
  }
  loop.runOnce();
  expect(log.splice(0)).toEqual([-Infinity, -1e9, -120_000, -60_000, 0]);
  for (const delta of [-120_000, -Infinity, -1e9, -60_000]) {
    remote.schedule('log', delta, { delta });
  }
  loop.runOnce();
  loop.runOnce();
  expect(log).toEqual([-Infinity, -1e9, -120_000, -60_000]);
});

describe('task.priority', () => {
  test.each([5n, Symbol('high'), 'high', Number.NaN, null, {}])('%p is refused at install', (priority) => {
    const { loop, manager, log, errors } = makeManager();
    const task = new FunctionTask(() => log.push('wrong'));
    Object.assign(task, { priority });
    expect(codeOf(() => manager.installTask(task, { delta: 0 }))).toBe('ERR_INVALID_ARG_TYPE');
    for (let index = 0; index < 3; index += 1) {
      manager.schedule('log', index);
    }
    loop.runOnce();
    expect([log, errors]).toEqual([[0, 1, 2], []]);
  });

  test('counts as it is when the task is installed', () => {
    const { loop, manager, log } = makeManager();
    const when = Date.now() - 1000;
    const tasks = [3, 1, 2].map((priority) => {
      const task = new FunctionTask(() => log.push(priority));
      task.priority = priority;
      manager.installTask(task, { when });
      return task;
    });
    tasks.forEach((task, index) => {
      task.priority = [5n as never, -1, 9][index] as number;
    });
    loop.runOnce();
    expect(log).toEqual([1, 2, 3]);
  });
});

describe('options', () => {
  test('that do not exist are refused', () => {
    const { loop, manager } = makeManager();
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    const codes = [
      () => manager.schedule('log', 1, { detla: 5 } as never),
      () => remote.schedule('log', 1, { prio: 5 } as never),
      () => remote.callSync('log', 1, { signal: AbortSignal.abort() } as never),
      () => new TaskManager({ loop, onfull: 'throw' } as never),
      () => TaskManager.connect(manager.handle, { capacity: 5 } as never),
      () => loop.configure({ loop: 5 } as never),
      () => loop.configure({ onerror: () => {} } as never),
    ].map((call) => codeOf(call) as unknown);
    expect(codes.map((code) => /^ERR_INVALID_ARG_(TYPE|VALUE)$/.test(String(code)))).toEqual(codes.map(() => true));
    expect(manager.stats().pending).toBe(0);
  });

  test("configure() sets those of a loop's own manager", () => {
    const loop = new RunLoop();
    const onError = jest.fn();
    finallyDo(() => loop.taskManager.close());
    loop.configure({ capacity: 10, onFull: 'throw', onError });
    expect(loop.taskManager.handle).toMatchObject({ capacity: 16, onFull: 'throw' });
    expect(codeOf(() => loop.configure({ capacity: 32 }))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => loop.configure({ onFull: 'drop' as never }))).toBe('ERR_INVALID_ARG_VALUE');
    loop.taskManager.schedule('unknown');
    loop.runOnce();
    expect(onError).toHaveBeenCalledTimes(1);
    loop.configure({ onError: () => {} });
    loop.taskManager.schedule('unknown');
    loop.runOnce();
    expect(onError).toHaveBeenCalledTimes(1);
  });
});
