/** TimeMachine.runAsync() with other threads. */

import { describe, expect, test } from '@jest/globals';
import { RecurringFunctionTask, RunLoop } from 'waitable-event';
import { TimeMachine } from 'waitable-event/testing';

import { finallyDo } from '../support/clean-up';
import { rejectionOf } from '../support/outcomes';
import { COUNT, TIME_LIMIT, until } from '../support/threads';
import { within } from '../support/timing';
import { DAY, HOUR, SECOND, START, VirtualLoop } from '../support/virtual-time/virtual-loop';
import { WorkerHarness } from '../support/worker-harness';

/** For tests that hand over thousands of times between threads, which takes long on a busy machine; in milliseconds. */
const BUSY_LIMIT = 120_000;

/** Runs five threads that do much at the same times. */
async function runTogether(): Promise<unknown> {
  const virtual = new VirtualLoop();
  for (const name of ['a', 'b', 'c']) {
    virtual.start('wallClock', { name, steps: 50, delta: 100 });
  }
  virtual.start('chainSync', { steps: 50, delta: 100 });
  virtual.start('chain', { steps: 100, delta: 50 });
  await virtual.machine.runAsync({ duration: 6000, connections: 5 });
  return virtual.log;
}

describe('runAsync() with other threads', () => {
  test.each(['chain', 'chainSync'])(
    'a thousand steps of one through a day are at exact times, each time (%s)',
    async (way) => {
      const steps = 1000;
      const delta = DAY / steps;
      const advance = async (): Promise<unknown> => {
        const virtual = new VirtualLoop();
        const thread = virtual.start(way, { steps, delta });
        await virtual.machine.runAsync({ duration: DAY + 1, connections: 1 });
        expect(virtual.machine.now).toBe(START + DAY + 1);
        await thread.exit;
        return virtual.log;
      };
      const log = await advance();
      expect(log).toEqual(Array.from({ length: steps }, (_, step) => [`${way} ${step}`, (step + 1) * delta]));
      expect(await advance()).toEqual(log);
    },
    BUSY_LIMIT,
  );

  test('several, at the same times, leave the same log each time', async () => {
    const log = (await runTogether()) as unknown[];
    expect(log).toHaveLength(3 * 4 * 50 + 50 + 100);
    expect(await runTogether()).toEqual(log);
    expect(await runTogether()).toEqual(log);
  });

  test('recurring tasks are on the grid of virtual time, suspended and cancelled at exact times', async () => {
    const virtual = new VirtualLoop();
    virtual.start('recurring', { delta: 60 * SECOND });
    await virtual.machine.runAsync({ duration: HOUR, connections: 1 });
    // It begins at 0, is suspended at 180 s, resumed at 330 s and cancelled at 450 s.
    expect(virtual.log).toEqual([
      ...[5, 60_005, 120_005, 360_005, 420_005].map((time) => ['recurring', time]),
      ['recurring cancelled', 450_000],
    ]);
  });

  test('more tasks than the queue has room for are all taken before time passes', async () => {
    const steps = 20_000;
    const virtual = new VirtualLoop();
    virtual.start('flood', { steps, delta: 10 });
    await virtual.machine.runAsync({ duration: HOUR, connections: 1 });
    expect(virtual.log[0]).toEqual(['last', 0]);
    expect(virtual.log.slice(1)).toEqual(Array.from({ length: steps }, (_, step) => [step, 10 + step]));
  });

  test.each(['run', 'nothing'])('results that are longer than there is room for arrive (beside %s)', async (beside) => {
    const virtual = new VirtualLoop();
    virtual.manager.define('large', (size: number) => new Uint8Array(size));
    const ended = beside === 'run' ? virtual.loop.run() : undefined;
    virtual.start('large', { delta: 10 });
    await virtual.machine.runAsync({ duration: HOUR, connections: 1, timeout: TIME_LIMIT });
    expect(virtual.log).toEqual([[[5 << 20, 3 << 20, 4 << 20], 10]]);
    virtual.loop.stop();
    await ended;
  });

  test('an active thread holds time', async () => {
    const virtual = new VirtualLoop();
    const { machine, manager } = virtual;
    manager.installTask(new RecurringFunctionTask(SECOND, () => virtual.note('tick')));
    const thread = virtual.start('busy', { delta: 500 });
    const advanced = machine.runAsync({ duration: 3 * SECOND, connections: 1 });
    expect(await virtual.whileAtWork(thread)).toEqual([START, []]);
    await within(advanced, 'a run');
    expect(virtual.log).toEqual([
      ['busy', 500],
      ['tick', 1000],
      ['tick', 2000],
    ]);
  });

  test.each(['end', 'exit', 'spin'])(
    'one that has ended is no obstacle, and what it scheduled runs (%s)',
    async (way) => {
      const virtual = new VirtualLoop();
      const thread = virtual.start(way, { delta: 10 });
      const advanced = virtual.machine.runAsync({ duration: SECOND, connections: 1 });
      if (way === 'spin') {
        await thread.reached(1);
        await thread.terminate();
      }
      await within(advanced, 'a run');
      expect(virtual.log).toEqual([[way, 10]]);
      await thread.exit;
      await virtual.machine.runAsync({ duration: SECOND });
    },
  );

  test('a thread that is never quiescent, or never connects, is an error after the timeout', async () => {
    const virtual = new VirtualLoop();
    const { machine } = virtual;
    const message = async (connections: number): Promise<string> => {
      const error = await machine
        .runAsync({ duration: SECOND, connections, timeout: 200 })
        .catch((reason: Error) => reason);
      expect(error).toMatchObject({ code: 'ERR_TIME_STALLED', name: 'TimeStalledError' });
      return (error as Error).message;
    };
    expect(await message(2)).toBe('Virtual time has stood still for 200 ms (not connected yet: 2)');
    const thread = virtual.start('spin', { delta: 10 });
    await thread.reached(1);
    const { threadId } = thread.worker;
    expect(await message(1)).toBe(`Virtual time has stood still for 200 ms (busy: thread ${threadId})`);
    expect(machine.now).toBe(START);
    await thread.terminate();
    await machine.runAsync({ duration: SECOND });
    expect(virtual.log).toEqual([['spin', 10]]);
  });

  test('an answer whose call has timed out does not hold time', async () => {
    const virtual = new VirtualLoop();
    const thread = virtual.start('timeOut');
    // The answer comes after the timeout of the thread, and before its manager can know of that.
    virtual.manager.define('slow', (number: number) => {
      const deadline = Date.now() + TIME_LIMIT;
      while (Atomics.load(thread.words, COUNT) === number && Date.now() < deadline);
    });
    await within(virtual.machine.runAsync({ duration: DAY, connections: 1, timeout: TIME_LIMIT }), 'a run');
    expect(virtual.log).toEqual([
      ['ERR_CALL_TIMEOUT', 0],
      ['ERR_CALL_TIMEOUT', 0],
    ]);
  });

  test('closing the manager ends the run', async () => {
    const virtual = new VirtualLoop();
    const thread = virtual.start('spin', { delta: 10 });
    const advanced = rejectionOf(virtual.machine.runAsync({ duration: SECOND, connections: 1 }));
    await thread.reached(1);
    virtual.manager.close();
    expect(await advanced).toBe('ERR_TASK_MANAGER_CLOSED');
  });

  test('beside a running loop the log is the same', async () => {
    const virtual = new VirtualLoop();
    const ended = virtual.loop.run();
    for (const name of ['a', 'b']) {
      virtual.start('wallClock', { name, steps: 20, delta: 100 });
    }
    await within(virtual.machine.runAsync({ duration: 3000, connections: 2 }), 'a run');
    const other = new VirtualLoop();
    for (const name of ['a', 'b']) {
      other.start('wallClock', { name, steps: 20, delta: 100 });
    }
    await within(other.machine.runAsync({ duration: 3000, connections: 2 }), 'a run');
    expect(virtual.log).toEqual(other.log);
    virtual.loop.stop();
    await within(ended, 'the end of the loop');
  });

  test('a task that is scheduled under one clock and received under another keeps its time', async () => {
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
  const virtual = new VirtualLoop();
  virtual.start('chain', { steps: 3, delta: 5 });
  await virtual.machine.runAsync({ duration: 7, connections: 1 });
  expect(virtual.log).toEqual([['chain 0', 5]]);
  virtual.machine.restore();
  const ended = virtual.loop.run();
  // What was to be at a time of the past is due now.
  await until(() => virtual.log.length === 3, 'the rest of the chain');
  virtual.loop.stop();
  await within(ended, 'the end of the loop');
});

test.each(['work', 'block'])(
  'a thread that another time machine left at %p holds the next one up no longer',
  async (way) => {
    const virtual = new VirtualLoop();
    const thread = virtual.start(way, { steps: 5000 });
    await (way === 'work' ? thread.reached(1) : thread.blocked());
    virtual.machine.restore();
    thread.stop();
    const ended = virtual.loop.run();
    await thread.reached(2);
    virtual.loop.stop();
    await within(ended, 'the end of the loop');
    const machine = new TimeMachine({ start: START, loop: virtual.loop });
    finallyDo(() => machine.restore());
    await machine.runAsync({ duration: SECOND, connections: 1, timeout: TIME_LIMIT });
    expect(machine.now).toBe(START + SECOND);
  },
);
