/** Virtual time for a loop with several task managers. */

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { rejectionOf } from '../support/outcomes';
import { TIME_LIMIT } from '../support/threads';
import { within } from '../support/timing';
import { HOUR, SECOND, START, VirtualLoop } from '../support/virtual-time/virtual-loop';

/** For the test that hands over thousands of times between threads, which takes long on a busy machine; in ms. */
const BUSY_LIMIT = 120_000;

/** A virtual loop with a manager beside the loop's own. */
class Company extends VirtualLoop {
  readonly second: TaskManager = this.join();

  join(): TaskManager {
    const manager = new TaskManager({ loop: this.loop });
    finallyDo(() => manager.close());
    this.define(manager);
    return manager;
  }
}

function isNow(time: number): boolean {
  return Math.abs(time - Date.now()) < 10 * SECOND;
}

describe('the managers of a loop', () => {
  test('share virtual time, also those that join during a run', () => {
    const company = new Company();
    const { machine, manager, second, log } = company;
    manager.installTask(new FunctionTask(() => company.note('first')), { delta: 20 });
    second.installTask(new FunctionTask(() => company.note('second')), { delta: 10 });
    manager.installTask(
      new FunctionTask(() => {
        const third = company.join();
        third.installTask(new FunctionTask(() => company.note('third')), { delta: 10 });
        third.installTask(new RecurringFunctionTask(SECOND, () => company.note('tick')));
      }),
      { delta: 5 },
    );
    machine.run({ duration: 2 * SECOND });
    expect(log).toEqual([
      ['second', 10],
      ['third', 15],
      ['first', 20],
      ['tick', SECOND],
    ]);
    expect(second.getTime()).toBe(START + 2 * SECOND);
  });

  test('have the system’s clock back after restore(), or when they leave', () => {
    const { machine, manager, second } = new Company();
    expect([manager.getTime(), second.getTime()]).toEqual([START, START]);
    second.close();
    expect([manager.getTime(), isNow(second.getTime())]).toEqual([START, true]);
    machine.restore();
    expect(isNow(manager.getTime())).toBe(true);
  });

  test('one that leaves during a run does not end it', async () => {
    const company = new Company();
    const { machine, manager, second, log } = company;
    const thread = company.start('chain', { handle: second.handle, steps: 100, delta: 10 });
    manager.installTask(new FunctionTask(() => second.close()), { delta: 25 });
    manager.installTask(new FunctionTask(() => company.note('later')), { delta: 50 });
    thread.worker.on('error', () => {});
    await within(machine.runAsync({ duration: SECOND, connections: 1 }), 'a run');
    expect(log).toEqual([
      ['chain 0', 10],
      ['chain 1', 20],
      ['later', 50],
    ]);
    expect(machine.now).toBe(START + SECOND);
    expect(await rejectionOf(thread.reached(1))).toBe('ERR_TASK_MANAGER_CLOSED');
  });
});

/** Runs three threads that do much at the same times, for a manager that joins after the run has begun. */
async function runWithLatecomers(): Promise<unknown> {
  const company = new Company();
  const { machine, manager } = company;
  const join = (): void => {
    const { handle } = company.join();
    for (const name of ['a', 'b', 'c']) {
      company.start('wallClock', { name, handle, steps: 20, delta: 100 });
    }
  };
  manager.installTask(new FunctionTask(join), { delta: 0 });
  // It would take what they send as soon as it comes.
  const ended = company.loop.run();
  await within(machine.runAsync({ duration: 3 * SECOND, connections: 3 }), 'a run');
  company.loop.stop();
  await ended;
  return company.log;
}

describe('with other threads', () => {
  test('time waits for those of every manager', async () => {
    const company = new Company();
    const { machine, manager, second } = company;
    manager.installTask(new RecurringFunctionTask(SECOND, () => company.note('tick')));
    const thread = company.start('busy', { handle: second.handle, delta: 500 });
    company.start('chain', { steps: 1, delta: 700 });
    const advanced = machine.runAsync({ duration: 2 * SECOND, connections: 2 });
    expect(await company.whileAtWork(thread)).toEqual([START, []]);
    await within(advanced, 'a run');
    expect(company.log).toEqual([
      ['busy', 500],
      ['chain 0', 700],
      ['tick', SECOND],
    ]);
  });

  test('those of a manager that joins during a run are waited for too', async () => {
    const log = await runWithLatecomers();
    expect(log).toHaveLength(3 * 4 * 20);
    expect(await runWithLatecomers()).toEqual(log);
  });

  test('a thread that blocked for one time machine, and is active again, holds the time of another one', async () => {
    const [first, second] = [new VirtualLoop(), new VirtualLoop()];
    second.manager.installTask(new RecurringFunctionTask(SECOND, () => second.note('tick')));
    const thread = first.start('alternate', { other: second.manager.handle, delta: 10 });
    const advanced = first.machine.runAsync({ duration: SECOND, connections: 1 });
    await thread.reached(1);
    const beside = second.machine.runAsync({ duration: 2 * SECOND, connections: 1 });
    expect(await second.whileAtWork(thread)).toEqual([START, []]);
    await within(Promise.all([advanced, beside]), 'two runs');
    expect(second.log).toEqual([
      ['alternate', 10],
      ['tick', SECOND],
    ]);
  });

  test(
    'a thread that is connected to two, and blocked for one of them, holds the time of neither',
    async () => {
      const steps = 200;
      const delta = SECOND;
      const advance = async (): Promise<unknown> => {
        const company = new Company();
        const { handle } = company.second;
        for (const name of ['a', 'b']) {
          company.start('two', { name, other: handle, steps, delta });
        }
        company.start('two', { name: 'c', handle, other: company.manager.handle, steps, delta });
        await within(
          company.machine.runAsync({ duration: HOUR, connections: 6, timeout: TIME_LIMIT }),
          'a run',
          BUSY_LIMIT / 2,
        );
        return company.log;
      };
      const log = (await advance()) as [string, number][];
      const of = (name: string): [string, number][] => log.filter(([what]) => what.startsWith(name));
      // Each step takes three deltas: two in callSync(), one afterwards. What is scheduled comes one delta after the
      // first two.
      const expected = Array.from({ length: steps }, (_, step) => 3 * delta * (step + 1));
      for (const name of ['a', 'b', 'c']) {
        expect(of(`${name} `).filter(([what]) => what.endsWith('first'))).toEqual(
          expected.map((time, step) => [`${name} ${step} first`, time]),
        );
        expect(of(`${name} `).filter(([what]) => what.endsWith('second'))).toEqual(
          expected.map((time, step) => [`${name} ${step} second`, time]),
        );
      }
      expect(log).toHaveLength(3 * 2 * steps);
      expect(await advance()).toEqual(log);
    },
    BUSY_LIMIT,
  );
});
