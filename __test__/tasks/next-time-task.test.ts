/** NextTimeTask: its times come from a function. */

import { describe, expect, test } from '@jest/globals';
import { NextTimeTask, RunLoop, TaskManager } from 'waitable-event';
import { TimeMachine } from 'waitable-event/testing';

import { runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';

const DAY = 86_400_000;

interface Stage {
  readonly loop: RunLoop;
  readonly manager: TaskManager;
  readonly machine: TimeMachine;
  readonly errors: string[];
}

function makeStage(): Stage {
  const loop = new RunLoop();
  const errors: string[] = [];
  const manager = new TaskManager({ loop, onError: (error) => errors.push(String(error)) });
  const machine = new TimeMachine({ loop, start: 0, onError: 'report' });
  finallyDo(() => {
    machine.restore({ clear: true });
    manager.close();
  });
  return { loop, manager, machine, errors };
}

test('runs at each time that the function returns, with the arguments', () => {
  const { manager, machine } = makeStage();
  const asked: number[] = [];
  const log: unknown[] = [];
  const times = [5, 100, 1000.2];
  const task: NextTimeTask = new NextTimeTask(
    (after) => {
      asked.push(after.getTime());
      const next = times.find((time) => time > after.getTime());
      return next === 5 ? new Date(next) : next;
    },
    (...args: unknown[]) => log.push([machine.now, task.taskTime, ...args]),
    'a',
    2,
  );
  expect([task.isScheduled, task.taskTime]).toEqual([false, null]);
  manager.installTask(task);
  expect([task.isScheduled, task.taskTime]).toEqual([true, 5]);
  machine.run({ duration: DAY });
  // Fractions are rounded up.
  expect(log).toEqual([
    [5, 5, 'a', 2],
    [100, 100, 'a', 2],
    [1001, 1001, 'a', 2],
  ]);
  expect(asked).toEqual([0, 5, 100, 1001]);
  expect(task.isScheduled).toBe(false);
});

test('skips times that were missed, can be suspended and resumed, and ends with null', () => {
  const { manager, machine } = makeStage();
  const log: number[] = [];
  class Ticks extends NextTimeTask {
    override processTask(): void {
      log.push(machine.now);
    }
  }
  const task = new Ticks((after) => (after.getTime() < 50 ? (Math.floor(after.getTime() / 10) + 1) * 10 : null));
  manager.installTask(task);
  machine.run({ stopTime: 15 });
  task.suspendTask();
  machine.run({ stopTime: 35 });
  task.resumeTask();
  machine.run({ stopTime: 1000 });
  expect(log).toEqual([10, 40, 50]);
  // Nothing comes any more, so nothing is installed.
  task.installTask();
  expect([task.isScheduled, manager.tasks()]).toEqual([false, []]);
});

describe('a function that fails', () => {
  test.each([
    ['throws', () => { throw new Error('no time'); }, 'Error: no time'], // prettier-ignore
    ['returns its argument', (after: Date) => after, 'ERR_INVALID_TASK'],
    ['returns NaN', () => Number.NaN, 'ERR_INVALID_TASK'],
    ['returns an invalid Date', () => new Date('never'), 'ERR_INVALID_TASK'],
    ['returns a string', () => 'soon' as never, 'ERR_INVALID_TASK'],
  ])('and %s is an error of installTask(), and later of the manager, after the last run', (_how, fail, code) => {
    const { manager, machine, errors } = makeStage();
    let fails = true;
    let runs = 0;
    const task = new NextTimeTask(
      (after) => (fails ? fail(after) : 10),
      () => (runs += 1),
    );
    expect(codeOf(() => manager.installTask(task))).toBe(code);
    expect(task.isScheduled).toBe(false);
    fails = false;
    manager.installTask(task);
    fails = true;
    machine.run({ duration: 100 });
    expect([runs, errors.length, task.isScheduled]).toEqual([1, 1, false]);
  });

  test('is none of the two that the constructor takes', () => {
    expect(codeOf(() => new NextTimeTask(1 as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new NextTimeTask(() => null, 1 as never))).toBe('ERR_INVALID_ARG_TYPE');
  });
});

test('a time is skipped while the promise of the last run is pending, unless overlap is set', async () => {
  const { manager, machine } = makeStage();
  let end: (() => void) | undefined;
  let runs = 0;
  const task = new NextTimeTask(
    (after) => after.getTime() + 10,
    () => {
      runs += 1;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    },
  );
  manager.installTask(task);
  machine.run({ duration: 35 });
  expect([runs, manager.stats().skipped]).toEqual([1, 2]);
  task.overlap = true;
  machine.run({ duration: 10 });
  expect(runs).toBe(2);
  end?.();
});

test.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'])(
  'daily at 03:00 local is right over both changes of the clock in %s',
  async (zone) => {
    const program = `
      const { NextTimeTask } = require('waitable-event');
      const { TimeMachine } = require('waitable-event/testing');
      const machine = new TimeMachine({ start: Date.UTC(2026, 0, 1, 12) });
      const runs = [];
      new NextTimeTask((after) => {
        const next = new Date(after);
        next.setHours(3, 0, 0, 0);
        if (next <= after) next.setDate(next.getDate() + 1);
        return next;
      }, () => runs.push(machine.now)).installTask();
      machine.run({ duration: 365 * ${DAY} });
      const wrong = runs.filter((time) => new Date(time).getHours() !== 3 || new Date(time).getMinutes() !== 0);
      const days = new Set(runs.map((time) => new Date(time).toDateString()));
      const irregular = runs.filter((time, index) => index > 0 && time - runs[index - 1] !== ${DAY});
      console.log(runs.length, days.size, wrong.length, irregular.length, machine.now - runs.at(-1) <= ${DAY});
    `;
    const { stdout } = await runScript({ source: program }, [], { env: { TZ: zone } });
    expect(stdout.trim()).toBe(`365 365 0 ${zone === 'UTC' ? 0 : 2} true`);
  },
);
