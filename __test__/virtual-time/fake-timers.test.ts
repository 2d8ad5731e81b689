/** Beside a test runner's fake timers, which stand still: no test here advances them. */

import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type * as waitableEvent from 'waitable-event';
import type * as testing from 'waitable-event/testing';

const MINUTE = 60_000;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

/** The package, loaded while the timers are fakes, as with jest's `fakeTimers: { enableGlobally: true }`, or before. */
function load(when: 'before' | 'after'): typeof waitableEvent & typeof testing {
  if (when === 'before') {
    jest.useRealTimers();
  }
  let loaded: (typeof waitableEvent & typeof testing) | undefined;
  jest.isolateModules(() => {
    loaded = { ...require('waitable-event'), ...require('waitable-event/testing') };
  });
  jest.useFakeTimers();
  return loaded as typeof waitableEvent & typeof testing;
}

test.each(['before', 'after'] as const)('a loop that is loaded %s timers are faked goes on', async (when) => {
  const { FunctionTask, RecurringFunctionTask, RunLoop, TaskManager, WaitableEvent } = load(when);
  const loop = new RunLoop();
  const manager = loop.taskManager;
  const log: unknown[] = [];
  const note = (what: unknown): number => log.push(what);
  loop.deferred(note, 'deferred');
  manager.installTask(new FunctionTask(note, 'a task'), { delta: 5 });
  const recurring = new RecurringFunctionTask(5, () => {
    note('recurring');
    recurring.suspendTask();
  });
  manager.installTask(recurring);
  manager.define('double', (value: number) => 2 * value);
  const running = loop.run();
  const remote = TaskManager.connect(manager.handle);
  expect(await remote.call('double', 21)).toBe(42);
  const event = new WaitableEvent();
  expect(await event.waitAsync(20)).toBe(false);
  manager.installTask(new FunctionTask(loop.stop), { delta: 1 });
  await running;
  expect(new Set(log)).toEqual(new Set(['a task', 'deferred', 'recurring']));
  // The wall clock is not the fake one either.
  expect(Math.abs(manager.getTime() - jest.getRealSystemTime())).toBeLessThan(MINUTE);
  event.close();
  remote.close();
  manager.close();
});

test.each(['before', 'after'] as const)('virtual time that is loaded %s timers are faked passes', async (when) => {
  const { FunctionTask, RunLoop, TimeMachine } = load(when);
  const loop = new RunLoop();
  const machine = new TimeMachine({ start: 0, loop });
  const times: number[] = [];
  loop.taskManager.installTask(new FunctionTask(() => times.push(machine.now)), { delta: MINUTE });
  await machine.runAsync({ duration: 2 * MINUTE });
  expect(times).toEqual([MINUTE]);
  machine.restore();
  loop.taskManager.close();
});
