/** Fake timers of a test framework replace the global ones; loops, waits and tasks go by the real clock. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, RunLoop, WaitableEvent } from 'waitable-event';

const { setTimeout } = globalThis;

/** Rejects when a promise is not settled in time. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('It hangs')), 10_000);
  });
  return Promise.race([promise, late]).finally(() => timer?.unref());
}

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});

afterEach(() => {
  jest.useRealTimers();
});

test('waitAsync() times out', async () => {
  const event = new WaitableEvent();
  expect(await soon(event.waitAsync(5))).toBe(false);
  event.close();
});

describe('run()', () => {
  test('runs deferred functions', async () => {
    const loop = new RunLoop();
    loop.deferred(loop.stop);
    await soon(loop.run());
    expect(loop.running).toBe(false);
  });

  test('runs tasks, and getTime() is the time', async () => {
    const loop = new RunLoop();
    let runs = 0;
    const { taskManager: manager } = loop;
    const start = manager.getTime();
    expect(start).toBeGreaterThan(Date.UTC(2020));
    manager.installTask(new FunctionTask(loop.stop), { delta: 20 });
    manager.installTask(new RecurringFunctionTask(2, () => (runs += 1)));
    await soon(loop.run());
    expect(runs).toBeGreaterThan(0);
    expect(manager.getTime() - start).toBeGreaterThanOrEqual(20);
  });
});
