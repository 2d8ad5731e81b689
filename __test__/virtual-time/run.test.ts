/** TimeMachine.run(), and which machine has the clock of a loop. */

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, RunLoop } from 'waitable-event';
import { TimeMachine, type TimeMachineRunOptions } from 'waitable-event/testing';

import { finallyDo } from '../support/clean-up';
import { codeOf, rejectionOf } from '../support/outcomes';
import { countPasses } from '../support/run-loop/loops';
import { until } from '../support/threads';
import { within } from '../support/timing';
import { DAY, HOUR, SECOND, START, VirtualLoop } from '../support/virtual-time/virtual-loop';

type Advance = (machine: TimeMachine, options: TimeMachineRunOptions) => Promise<void>;

const ways: [string, Advance][] = [
  ['run()', async (machine, options) => machine.run(options)],
  ['runAsync()', async (machine, options) => machine.runAsync(options)],
];

describe('run()', () => {
  test('jumps from task to task, and ends exactly at the limit, which is exclusive', () => {
    const virtual = new VirtualLoop();
    const { machine, manager, log } = virtual;
    manager.installTask(new RecurringFunctionTask(60 * SECOND, () => virtual.note('tick')));
    machine.run({ duration: HOUR });
    expect(log).toHaveLength(59);
    expect(log.slice(0, 2)).toEqual([
      ['tick', 60 * SECOND],
      ['tick', 120 * SECOND],
    ]);
    expect(machine.now).toBe(START + HOUR);
    machine.run({ stopTime: START + HOUR + 1 });
    expect(log).toHaveLength(60);
    expect(machine.now).toBe(START + HOUR + 1);
  });

  test('runs deferred functions between tasks, at their time', () => {
    const virtual = new VirtualLoop();
    const { machine, manager, loop } = virtual;
    for (const delta of [10, 20]) {
      manager.installTask(new FunctionTask(() => loop.deferred(() => virtual.note(`deferred ${delta}`))), { delta });
      manager.installTask(new FunctionTask(() => virtual.note(delta)), { delta });
    }
    machine.run({ duration: 20.5 });
    expect(virtual.log).toEqual([
      [10, 10],
      ['deferred 10', 10],
      [20, 20],
      ['deferred 20', 20],
    ]);
  });

  test('takes BACpypes’ strings, in local time', () => {
    const { machine } = new VirtualLoop('2026-03-04 05:06:07.08');
    expect(machine.now).toBe(new Date(2026, 2, 4, 5, 6, 7, 80).getTime());
    machine.run({ stopTime: '2026-03-05' });
    expect(machine.now).toBe(new Date(2026, 2, 5).getTime());
    machine.reset('2025-01-01 12:00');
    expect(machine.now).toBe(new Date(2025, 0, 1, 12).getTime());
    machine.reset('13:30');
    expect(new Date(machine.now).getHours()).toBe(13);
    machine.reset(new Date(START));
    expect(machine.now).toBe(START);
    machine.reset();
    expect(machine.now).toBe(0);
  });

  test('refuses invalid options', async () => {
    const { machine } = new VirtualLoop();
    expect(codeOf(() => machine.run({}))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => machine.run(undefined as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => machine.run({ duration: Infinity }))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => machine.run({ stopTime: Infinity }))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => new TimeMachine({ loop: {} as RunLoop }))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => machine.run({ duration: NaN }))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => machine.run({ stopTime: 'tomorrow' }))).toBe('ERR_INVALID_ARG_VALUE');
    expect(codeOf(() => new TimeMachine({ start: '', loop: new RunLoop() }))).toBe('ERR_INVALID_ARG_VALUE');
    expect(await rejectionOf(machine.runAsync({}))).toBe('ERR_INVALID_ARG_TYPE');
    expect(await rejectionOf(machine.runAsync({ duration: 1, connections: -1 }))).toBe('ERR_INVALID_ARG_VALUE');
    expect(await rejectionOf(machine.runAsync({ duration: 1, timeout: NaN }))).toBe('ERR_INVALID_ARG_VALUE');
  });

  test.each(['2026-13-01', '2026-02-30', '2026-00-10', '2026-01-01 24:00', '10:60', '10:00:60'])(
    'refuses %p',
    (time) => {
      expect(() => new TimeMachine({ start: time, loop: new RunLoop() })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(time) as unknown }),
      );
    },
  );

  test('reads a year below 100 as it is', () => {
    expect(new Date(new VirtualLoop('0050-01-01').machine.now).getFullYear()).toBe(50);
  });

  test.each([NaN, Infinity, -Infinity])('refuses the time %p', (time) => {
    const { machine } = new VirtualLoop();
    const code = 'ERR_INVALID_ARG_VALUE';
    expect(codeOf(() => new TimeMachine({ start: time, loop: new RunLoop() }))).toBe(code);
    expect(codeOf(() => machine.reset(time))).toBe(code);
    expect(codeOf(() => machine.run({ duration: time }))).toBe(code);
    expect(codeOf(() => machine.run({ stopTime: time }))).toBe(code);
    expect(machine.now).toBe(START);
  });

  test('refuses what is no loop', () => {
    expect(codeOf(() => new TimeMachine({ loop: {} as RunLoop }))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test.each(ways)(
    '%s to the present runs what is deferred, and no task: the limit is exclusive',
    async (_name, advance) => {
      const virtual = new VirtualLoop();
      const { machine, manager, loop, log } = virtual;
      manager.installTask(new FunctionTask(() => virtual.note('overdue')), { when: START - 1 });
      manager.installTask(new FunctionTask(() => virtual.note('due')), { delta: 0 });
      loop.deferred(() => loop.deferred(() => virtual.note('deferred')));
      await advance(machine, { stopTime: START });
      await advance(machine, { stopTime: START - 5 });
      expect([log, machine.now]).toEqual([[['deferred', 0]], START]);
      await advance(machine, { duration: 1 });
      expect(log.slice(1)).toEqual([
        ['overdue', 0],
        ['due', 0],
      ]);
    },
  );

  test.each(ways)('%s: what deferred functions defer is run before time goes on', async (_name, advance) => {
    const virtual = new VirtualLoop();
    const { machine, manager, loop, log } = virtual;
    manager.installTask(new FunctionTask(() => loop.deferred(() => loop.deferred(() => virtual.note('deferred')))), {
      delta: 2,
    });
    manager.installTask(new FunctionTask(() => virtual.note('task')), { delta: 5 });
    await advance(machine, { duration: 10 });
    expect(log).toEqual([
      ['deferred', 2],
      ['task', 5],
    ]);
  });

  test('a function that always defers itself is an error, not a hang', () => {
    const { machine, loop } = new VirtualLoop();
    const again = (): void => loop.deferred(again);
    again();
    expect(() => machine.run({ duration: 10 })).toThrow(
      expect.objectContaining({
        code: 'ERR_TIME_STALLED',
        message: expect.stringContaining('always defers itself') as unknown,
      }),
    );
  });

  test.each(['restore()', 'another machine'])('a run ends where it is after %s in the middle', (what) => {
    const start = Date.now();
    const virtual = new VirtualLoop(start);
    const { machine, manager, loop, log } = virtual;
    manager.installTask(
      new FunctionTask(() => {
        if (what === 'restore()') {
          machine.restore();
        } else {
          const other = new TimeMachine({ loop, start });
          finallyDo(() => other.restore());
        }
      }),
      { delta: 2 },
    );
    // By the system's clock too, this is due later.
    manager.installTask(new FunctionTask(() => virtual.note('late')), { when: start + HOUR });
    machine.run({ duration: DAY });
    expect([log, machine.now]).toEqual([[], start + 2]);
  });

  test('restore() gives the loop the system’s clock back', () => {
    const { machine, manager } = new VirtualLoop();
    expect(manager.getTime()).toBe(START);
    machine.restore();
    expect(Math.abs(manager.getTime() - Date.now())).toBeLessThan(10 * SECOND);
  });

  test('beside a running loop, which wakes only for what is due now', async () => {
    const virtual = new VirtualLoop();
    const { machine, manager, loop } = virtual;
    const count = countPasses(loop);
    const ended = loop.run();
    manager.installTask(new FunctionTask(() => virtual.note('later')), { delta: 1 });
    manager.installTask(new FunctionTask(() => virtual.note('now')), { delta: 0 });
    await until(() => virtual.log.length > 0, 'what is due');
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    expect(virtual.log).toEqual([['now', 0]]);
    expect(count.passes).toBeLessThan(10);
    machine.run({ duration: 2 });
    expect(virtual.log).toEqual([
      ['now', 0],
      ['later', 1],
    ]);
    loop.stop();
    await within(ended, 'the end of the loop');
  });
});

describe('the clock of a loop', () => {
  test('is not taken by a machine that was restored', async () => {
    const { machine } = new VirtualLoop();
    machine.restore();
    const code = 'ERR_TIME_MACHINE_RESTORED';
    expect(codeOf(() => machine.run({ duration: 5 }))).toBe(code);
    expect(codeOf(() => machine.reset())).toBe(code);
    expect(await rejectionOf(machine.runAsync({ duration: 5 }))).toBe(code);
  });

  test('belongs to the last machine that was made', () => {
    const { machine: first, loop } = new VirtualLoop();
    const second = new TimeMachine({ loop, start: START });
    finallyDo(() => second.restore());
    expect(codeOf(() => first.run({ duration: 5 }))).toBe('ERR_TIME_MACHINE_RESTORED');
    first.restore();
    let runs = 0;
    loop.taskManager.installTask(new FunctionTask(() => (runs += 1)), { delta: DAY });
    second.run({ duration: 2 * DAY });
    expect(runs).toBe(1);
  });
});
