/** Virtual time: in one thread, and with others. */

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, RunLoop, TaskManager } from 'waitable-event';
import { TimeMachine, type TravelOptions } from 'waitable-event/testing';

import { finallyDo } from '../support/clean-up';
import { codeOf, rejectionOf } from '../support/outcomes';
import { countPasses } from '../support/run-loop/loops';
import { COUNT, TIME_LIMIT, until } from '../support/threads';
import { within } from '../support/timing';
import { DAY, HOUR, SECOND, START, VirtualLoop } from '../support/virtual-time/virtual-loop';
import { WorkerHarness } from '../support/worker-harness';

type Travel = (machine: TimeMachine, options: TravelOptions) => Promise<void>;

const ways: [string, Travel][] = [
  ['run()', async (machine, options) => machine.run(options)],
  ['runAsync()', async (machine, options) => machine.runAsync(options)],
];

describe('run()', () => {
  test('jumps from task to task, and ends exactly at the limit, which is exclusive', () => {
    const journey = new VirtualLoop();
    const { machine, manager, log } = journey;
    manager.installTask(new RecurringFunctionTask(60 * SECOND, () => journey.note('tick')));
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
    const journey = new VirtualLoop();
    const { machine, manager, loop } = journey;
    for (const delta of [10, 20]) {
      manager.installTask(new FunctionTask(() => loop.deferred(() => journey.note(`deferred ${delta}`))), { delta });
      manager.installTask(new FunctionTask(() => journey.note(delta)), { delta });
    }
    machine.run({ duration: 20.5 });
    expect(journey.log).toEqual([
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

  test('refuses what makes no sense', async () => {
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

  test('takes a year of the first century for what it is', () => {
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
    async (_name, travel) => {
      const journey = new VirtualLoop();
      const { machine, manager, loop, log } = journey;
      manager.installTask(new FunctionTask(() => journey.note('overdue')), { when: START - 1 });
      manager.installTask(new FunctionTask(() => journey.note('due')), { delta: 0 });
      loop.deferred(() => loop.deferred(() => journey.note('deferred')));
      await travel(machine, { stopTime: START });
      await travel(machine, { stopTime: START - 5 });
      expect([log, machine.now]).toEqual([[['deferred', 0]], START]);
      await travel(machine, { duration: 1 });
      expect(log.slice(1)).toEqual([
        ['overdue', 0],
        ['due', 0],
      ]);
    },
  );

  test.each(ways)('%s: what deferred functions defer is run before time goes on', async (_name, travel) => {
    const journey = new VirtualLoop();
    const { machine, manager, loop, log } = journey;
    manager.installTask(new FunctionTask(() => loop.deferred(() => loop.deferred(() => journey.note('deferred')))), {
      delta: 2,
    });
    manager.installTask(new FunctionTask(() => journey.note('task')), { delta: 5 });
    await travel(machine, { duration: 10 });
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

  test.each(['restore()', 'another machine'])('a journey ends where it is after %s in the middle', (what) => {
    const start = Date.now();
    const journey = new VirtualLoop(start);
    const { machine, manager, loop, log } = journey;
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
    manager.installTask(new FunctionTask(() => journey.note('late')), { when: start + HOUR });
    machine.run({ duration: DAY });
    expect([log, machine.now]).toEqual([[], start + 2]);
  });

  test('restore() gives the loop the system’s clock back', () => {
    const { machine, manager } = new VirtualLoop();
    expect(manager.getTime()).toBe(START);
    machine.restore();
    expect(Math.abs(manager.getTime() - Date.now())).toBeLessThan(10 * SECOND);
  });

  test('beside it a loop that runs has no reason to, but for what is due at this moment', async () => {
    const journey = new VirtualLoop();
    const { machine, manager, loop } = journey;
    const count = countPasses(loop);
    const ended = loop.run();
    manager.installTask(new FunctionTask(() => journey.note('later')), { delta: 1 });
    manager.installTask(new FunctionTask(() => journey.note('now')), { delta: 0 });
    await until(() => journey.log.length > 0, 'what is due');
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    expect(journey.log).toEqual([['now', 0]]);
    expect(count.passes).toBeLessThan(10);
    machine.run({ duration: 2 });
    expect(journey.log).toEqual([
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

  test('is in the hands of the last machine that was made', () => {
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

describe('runAsync() without other threads', () => {
  test('settles promises between tasks', async () => {
    const journey = new VirtualLoop();
    const { machine } = journey;
    const walk = async (): Promise<void> => {
      for (const delta of [10, 20, 30]) {
        await journey.sleep(delta);
        journey.note(delta);
      }
    };
    void walk();
    await machine.runAsync({ duration: 60 });
    expect(journey.log).toEqual([
      [10, 10],
      [20, 30],
    ]);
    await machine.runAsync({ duration: 1 });
    expect(journey.log.at(-1)).toEqual([30, 60]);
    expect(machine.now).toBe(START + 61);
  });

  test('one journey at a time', async () => {
    const { machine } = new VirtualLoop();
    const first = machine.runAsync({ duration: 10 });
    expect(codeOf(() => machine.run({ duration: 1 }))).toBe('ERR_LOOP_RUNNING');
    expect(await rejectionOf(machine.runAsync({ duration: 1 }))).toBe('ERR_LOOP_RUNNING');
    await first;
    machine.run({ duration: 1 });
    expect(machine.now).toBe(START + 11);
  });

  test('ends where it is when the clock is given back', async () => {
    const { machine, manager } = new VirtualLoop();
    manager.installTask(new FunctionTask(() => machine.restore()), { delta: 5 });
    await machine.runAsync({ duration: 10 });
    expect(machine.now).toBe(START + 5);
  });

  test('a connection of the same thread travels too', async () => {
    const journey = new VirtualLoop();
    const remote = TaskManager.connect(journey.manager.handle);
    const walk = async (): Promise<void> => {
      remote.schedule('log', 'task', { delta: 5 });
      await remote.call('sleep', 10);
      journey.note(remote.getTime() - START);
      remote.close();
    };
    const walked = walk();
    await within(journey.machine.runAsync({ duration: 20 }), 'a journey');
    await walked;
    expect(journey.log).toEqual([
      ['task', 5],
      [10, 10],
    ]);
  });
});

/** Five threads that do much at the same times. */
async function travelTogether(): Promise<unknown> {
  const journey = new VirtualLoop();
  for (const name of ['a', 'b', 'c']) {
    journey.start('wallClock', { name, steps: 50, delta: 100 });
  }
  journey.start('chainSync', { steps: 50, delta: 100 });
  journey.start('chain', { steps: 100, delta: 50 });
  await journey.machine.runAsync({ duration: 6000, connections: 5 });
  return journey.log;
}

describe('runAsync() with other threads', () => {
  test.each(['chain', 'chainSync'])(
    'a thousand steps of one through a day are at exact times, each time (%s)',
    async (way) => {
      const steps = 1000;
      const delta = DAY / steps;
      const travel = async (): Promise<unknown> => {
        const journey = new VirtualLoop();
        const thread = journey.start(way, { steps, delta });
        await journey.machine.runAsync({ duration: DAY + 1, connections: 1 });
        expect(journey.machine.now).toBe(START + DAY + 1);
        await thread.exit;
        return journey.log;
      };
      const log = await travel();
      expect(log).toEqual(Array.from({ length: steps }, (_, step) => [`${way} ${step}`, (step + 1) * delta]));
      expect(await travel()).toEqual(log);
    },
  );

  test('several, at the same times, leave the same log each time', async () => {
    const log = (await travelTogether()) as unknown[];
    expect(log).toHaveLength(3 * 4 * 50 + 50 + 100);
    expect(await travelTogether()).toEqual(log);
    expect(await travelTogether()).toEqual(log);
  });

  test('recurring tasks are on the grid of virtual time, suspended and cancelled at exact times', async () => {
    const journey = new VirtualLoop();
    journey.start('recurring', { delta: 60 * SECOND });
    await journey.machine.runAsync({ duration: HOUR, connections: 1 });
    // It begins at 0, is suspended at 180 s, resumed at 330 s and cancelled at 450 s.
    expect(journey.log).toEqual([
      ...[5, 60_005, 120_005, 360_005, 420_005].map((time) => ['recurring', time]),
      ['recurring cancelled', 450_000],
    ]);
  });

  test('more than there is room for is all taken before time goes on', async () => {
    const steps = 20_000;
    const journey = new VirtualLoop();
    journey.start('flood', { steps, delta: 10 });
    await journey.machine.runAsync({ duration: HOUR, connections: 1 });
    expect(journey.log[0]).toEqual(['last', 0]);
    expect(journey.log.slice(1)).toEqual(Array.from({ length: steps }, (_, step) => [step, 10 + step]));
  });

  test.each(['run', 'nothing'])('results that are longer than there is room for arrive (beside %s)', async (beside) => {
    const journey = new VirtualLoop();
    journey.manager.define('large', (size: number) => new Uint8Array(size));
    const ended = beside === 'run' ? journey.loop.run() : undefined;
    journey.start('large', { delta: 10 });
    await journey.machine.runAsync({ duration: HOUR, connections: 1, timeout: 5000 });
    expect(journey.log).toEqual([[[5 << 20, 3 << 20, 4 << 20], 10]]);
    journey.loop.stop();
    await ended;
  });

  test('one that is at work holds time still', async () => {
    const journey = new VirtualLoop();
    const { machine, manager } = journey;
    manager.installTask(new RecurringFunctionTask(SECOND, () => journey.note('tick')));
    const thread = journey.start('busy', { delta: 500 });
    const travelled = machine.runAsync({ duration: 3 * SECOND, connections: 1 });
    expect(await journey.whileAtWork(thread)).toEqual([START, []]);
    await within(travelled, 'a journey');
    expect(journey.log).toEqual([
      ['busy', 500],
      ['tick', 1000],
      ['tick', 2000],
    ]);
  });

  test.each(['end', 'exit', 'spin'])(
    'one that has ended is no obstacle, and what it scheduled runs (%s)',
    async (way) => {
      const journey = new VirtualLoop();
      const thread = journey.start(way, { delta: 10 });
      const travelled = journey.machine.runAsync({ duration: SECOND, connections: 1 });
      if (way === 'spin') {
        await thread.reached(1);
        await thread.terminate();
      }
      await within(travelled, 'a journey');
      expect(journey.log).toEqual([[way, 10]]);
      await thread.exit;
      await journey.machine.runAsync({ duration: SECOND });
    },
  );

  test('one that never comes to rest, or never connects, is an error after the timeout', async () => {
    const journey = new VirtualLoop();
    const { machine } = journey;
    const message = async (connections: number): Promise<string> => {
      const error = await machine
        .runAsync({ duration: SECOND, connections, timeout: 200 })
        .catch((reason: Error) => reason);
      expect(error).toMatchObject({ code: 'ERR_TIME_STALLED', name: 'TimeStalledError' });
      return (error as Error).message;
    };
    expect(await message(2)).toBe('Virtual time has stood still for 200 ms (not connected yet: 2)');
    const thread = journey.start('spin', { delta: 10 });
    await thread.reached(1);
    const { threadId } = thread.worker;
    expect(await message(1)).toBe(`Virtual time has stood still for 200 ms (busy: thread ${threadId})`);
    expect(machine.now).toBe(START);
    await thread.terminate();
    await machine.runAsync({ duration: SECOND });
    expect(journey.log).toEqual([['spin', 10]]);
  });

  test('an answer that nobody waits for any more holds nothing up', async () => {
    const journey = new VirtualLoop();
    const thread = journey.start('giveUp');
    // It is answered when the thread has given up, and before its manager can have heard of that.
    journey.manager.define('slow', (number: number) => {
      const deadline = Date.now() + TIME_LIMIT;
      while (Atomics.load(thread.words, COUNT) === number && Date.now() < deadline);
    });
    await within(journey.machine.runAsync({ duration: DAY, connections: 1, timeout: 5000 }), 'a journey');
    expect(journey.log).toEqual([
      ['ERR_CALL_TIMEOUT', 0],
      ['ERR_CALL_TIMEOUT', 0],
    ]);
  });

  test('the end of the manager is the end of the journey', async () => {
    const journey = new VirtualLoop();
    const thread = journey.start('spin', { delta: 10 });
    const travelled = rejectionOf(journey.machine.runAsync({ duration: SECOND, connections: 1 }));
    await thread.reached(1);
    journey.manager.close();
    expect(await travelled).toBe('ERR_TASK_MANAGER_CLOSED');
  });

  test('beside a loop that runs it is the same', async () => {
    const journey = new VirtualLoop();
    const ended = journey.loop.run();
    for (const name of ['a', 'b']) {
      journey.start('wallClock', { name, steps: 20, delta: 100 });
    }
    await within(journey.machine.runAsync({ duration: 3000, connections: 2 }), 'a journey');
    const other = new VirtualLoop();
    for (const name of ['a', 'b']) {
      other.start('wallClock', { name, steps: 20, delta: 100 });
    }
    await within(other.machine.runAsync({ duration: 3000, connections: 2 }), 'a journey');
    expect(journey.log).toEqual(other.log);
    journey.loop.stop();
    await within(ended, 'the end of the loop');
  });

  test('what was scheduled under one clock and taken under another keeps its time', async () => {
    const loop = new RunLoop();
    const manager = loop.taskManager;
    const times: number[] = [];
    finallyDo(() => manager.close());
    const thread = new WorkerHarness('virtual-time/use-task-manager.js', {
      handle: manager.handle,
      way: 'late',
      name: 'late',
      delta: HOUR,
    });
    await thread.reached(1);
    const before = Date.now();
    Atomics.store(thread.words, COUNT, 1);
    Atomics.notify(thread.words, COUNT);
    await thread.reached(2);
    const machine = new TimeMachine({ start: before, loop });
    finallyDo(() => machine.restore());
    manager.define('log', () => times.push(machine.now));
    await machine.runAsync({ duration: 2 * HOUR });
    const [time] = times as [number];
    expect(times).toHaveLength(1);
    expect(time).toBeGreaterThanOrEqual(before + HOUR - 2);
    expect(time).toBeLessThan(before + HOUR + 60 * SECOND);
  });
});

test('after restore() the threads go by the system’s clock again', async () => {
  const journey = new VirtualLoop();
  journey.start('chain', { steps: 3, delta: 5 });
  await journey.machine.runAsync({ duration: 7, connections: 1 });
  expect(journey.log).toEqual([['chain 0', 5]]);
  journey.machine.restore();
  const ended = journey.loop.run();
  // What was to be at a time of the past is due now.
  await until(() => journey.log.length === 3, 'the rest of the chain');
  journey.loop.stop();
  await within(ended, 'the end of the loop');
});

test.each(['work', 'block'])(
  'a thread that another time machine left at %p holds the next one up no longer',
  async (way) => {
    const journey = new VirtualLoop();
    const thread = journey.start(way, { steps: 5000 });
    await (way === 'work' ? thread.reached(1) : thread.blocked());
    journey.machine.restore();
    thread.stop();
    const ended = journey.loop.run();
    await thread.reached(2);
    journey.loop.stop();
    await within(ended, 'the end of the loop');
    const machine = new TimeMachine({ start: START, loop: journey.loop });
    finallyDo(() => machine.restore());
    await machine.runAsync({ duration: SECOND, connections: 1, timeout: TIME_LIMIT });
    expect(machine.now).toBe(START + SECOND);
  },
);
