import { describe, expect, test } from '@jest/globals';
import { RecurringFunctionTask, RunLoop } from 'waitable-event';
import { TimeMachine } from 'waitable-event/testing';

import { finallyDo } from '../support/clean-up';
import { rejectionOf } from '../support/outcomes';
import { COUNT, TIME_LIMIT, until } from '../support/threads';
import { within } from '../support/timing';
import { DAY, HOUR, SECOND, START, VirtualLoop } from '../support/virtual-time/virtual-loop';
import { WorkerHarness } from '../support/worker-harness';

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
