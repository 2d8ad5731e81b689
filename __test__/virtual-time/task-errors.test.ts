/** What becomes of the errors of tasks in virtual time, and of the tasks that are left. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, RunLoop, TaskManager } from 'waitable-event';
import { TimeMachine } from 'waitable-event/testing';

type Run = (machine: TimeMachine, duration: number) => Promise<void>;

const ways: [string, Run][] = [
  ['run()', async (machine, duration) => machine.run({ duration })],
  ['runAsync()', async (machine, duration) => machine.runAsync({ duration })],
];

let loop: RunLoop;
let manager: TaskManager;
let machine: TimeMachine;
let reported: unknown[];

function fail(message: string, delta: number): void {
  const task = new FunctionTask(() => {
    throw new Error(message);
  });
  manager.installTask(task, { delta });
}

beforeEach(() => {
  loop = new RunLoop();
  reported = [];
  manager = new TaskManager({ loop, onError: (error) => reported.push((error as Error).message) });
  machine = new TimeMachine({ loop, start: 1000 });
});

afterEach(() => {
  machine.restore({ clear: true });
  manager.close();
});

describe.each(ways)('%s', (_name, run) => {
  test('throws what a task throws; time stands there, and the next run continues', async () => {
    const times: number[] = [];
    fail('broken', 5);
    manager.installTask(new RecurringFunctionTask(10, () => times.push(machine.now)));
    await expect(run(machine, 100)).rejects.toThrow('broken');
    expect([machine.now, times, reported]).toEqual([1005, [], []]);
    await run(machine, 20);
    expect([machine.now, times]).toEqual([1025, [1010, 1020]]);
  });

  test('the other errors of the same pass go to onError', async () => {
    ['first', 'second', 'third'].forEach((message) => fail(message, 5));
    await expect(run(machine, 100)).rejects.toThrow('first');
    expect(reported).toEqual(['second', 'third']);
    expect(manager.stats().failed).toBe(3);
  });

  test('throws what a named task throws', async () => {
    manager.define('sample', () => {
      throw new RangeError('too cold');
    });
    manager.schedule('sample', undefined, { delta: 1 });
    await expect(run(machine, 10)).rejects.toThrow(RangeError);
  });

  test("with onError: 'report' it goes on, and the manager is told", async () => {
    machine = new TimeMachine({ loop, start: 1000, onError: 'report' });
    fail('broken', 5);
    await run(machine, 100);
    expect([machine.now, reported]).toEqual([1100, ['broken']]);
  });

  test('outside of a run errors go to onError, before and after it', async () => {
    fail('before', 0);
    loop.runOnce();
    await run(machine, 10);
    fail('after', 0);
    loop.runOnce();
    expect(reported).toEqual(['before', 'after']);
  });
});

test('runAsync() rejects with what the promise of a task rejects with', async () => {
  manager.installTask(new FunctionTask(async () => Promise.reject(new Error('late'))), { delta: 5 });
  await expect(machine.runAsync({ duration: 100 })).rejects.toThrow('late');
  expect(machine.now).toBe(1005);
});

test('a manager that joins the loop during a run throws, too', () => {
  const make = new FunctionTask(() => {
    const other = new TaskManager({ loop, onError: () => reported.push('other') });
    other.installTask(
      new FunctionTask(() => {
        throw new Error('of the other');
      }),
      { delta: 1 },
    );
  });
  manager.installTask(make, { delta: 1 });
  expect(() => machine.run({ duration: 10 })).toThrow('of the other');
});

test.each(['ignore', null, 5])('onError: %p is refused', (onError) => {
  expect(() => new TimeMachine({ loop, onError: onError as never })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
  );
});

describe('restore()', () => {
  test('leaves tasks installed, and with clear: true none', () => {
    const task = new FunctionTask(() => {});
    manager.define('named', () => {});
    manager.installTask(task, { delta: 5 });
    manager.schedule('named', 1, { delta: 5 });
    const other = new TaskManager({ loop });
    other.installTask(new FunctionTask(() => {}), { when: 0 });
    machine.restore();
    expect([task.isScheduled, manager.stats().pending, other.stats().pending]).toEqual([true, 2, 1]);
    machine = new TimeMachine({ loop });
    machine.restore({ clear: true });
    expect([task.isScheduled, manager.stats().pending, other.stats().pending]).toEqual([false, 0, 0]);
    expect(manager.stats().cancelled).toBe(1);
    other.close();
  });

  test.each([1, 'all', null])('clear: %p is refused', (clear) => {
    expect(() => machine.restore({ clear: clear as never })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });
});
