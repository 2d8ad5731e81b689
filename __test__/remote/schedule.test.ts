/** Tasks that other threads schedule: when they run, in which order, and how they are held up and taken out. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { Owner, Producer, RemoteOwner } from '../support/remote/task-managers';
import { monotonic, until } from '../support/threads';
import { within } from '../support/timing';

const HOUR = 3_600_000;

describe('a worker schedules on the manager of this thread', () => {
  let owner: Owner;
  let producer: Producer;

  beforeEach(() => {
    owner = new Owner();
    producer = new Producer(owner.manager.handle);
  });

  test('as soon as possible: in the order in which it schedules', async () => {
    await producer.do('count', 'log', 1000);
    expect(await owner.logged(1000)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(owner.manager.stats()).toMatchObject({ run: 1000, failed: 0, pending: 0 });
  });

  test('without a payload', async () => {
    await producer.do('scheduleAll', [['log']]);
    expect(await owner.logged(1)).toEqual([undefined]);
  });

  test.each([0, 0.3, 1, 7.5, 40])('with a delta of %p ms: never early', async (delta) => {
    let ran = 0;
    owner.manager.define('stamp', (before: number) => {
      ran = monotonic() - before;
    });
    await producer.do('stamp', 'stamp', { delta });
    await until(() => ran > 0, 'the task to run');
    expect(ran).toBeGreaterThanOrEqual(delta);
  });

  test('with a negative delta: at once', async () => {
    await producer.do('schedule', 'log', 1, { delta: -HOUR });
    expect(await owner.logged(1)).toEqual([1]);
  });

  test('at a time on the wall clock, a number or a Date: never early', async () => {
    const times = [Date.now() + 40, Date.now() + 20];
    const late: number[] = [];
    owner.manager.define('late', (when: number) => late.push(owner.manager.getTime() - when));
    await producer.do('scheduleAll', [
      ['late', times[0], { when: times[0] }],
      ['late', times[1], { when: new Date(times[1] as number) }],
      // `when` wins over `delta`.
      ['late', times[0], { when: times[0], delta: HOUR }],
    ]);
    await until(() => late.length === 3, 'three tasks');
    // A microsecond is what a double has to spare at today's date.
    expect(Math.min(...late)).toBeGreaterThan(-0.001);
  });

  test('at a time that has passed: at once', async () => {
    await producer.do('scheduleAll', [
      ['log', 1, { when: 0 }],
      ['log', 2, { when: new Date(2000, 1) }],
    ]);
    expect(await owner.logged(2)).toEqual([1, 2]);
  });

  test('a task whose time is earlier than what the loop sleeps for wakes it', async () => {
    await producer.do('schedule', 'log', 'late', { delta: HOUR });
    await until(() => owner.manager.stats().pending === 1, 'the first task to come');
    await producer.do('schedule', 'log', 'early', { delta: 1 });
    expect(await owner.logged(1)).toEqual(['early']);
    expect(owner.manager.stats().pending).toBe(1);
  });

  test('a task with the same key that has not begun is replaced', async () => {
    await producer.do('scheduleAll', [
      ['log', 'replaced', { delta: HOUR, key: 'a' }],
      ['log', 'other', { delta: HOUR, key: 'b' }],
      ['log', 'second', { delta: 1, key: 'a' }],
      ['log', 'third', { delta: HOUR, key: 'c' }],
      ['log', 'now', { key: 'c' }],
    ]);
    expect(new Set(await owner.logged(2))).toEqual(new Set(['now', 'second']));
    expect(owner.manager.stats().pending).toBe(1);
  });

  test('a key is free again when its task has run or was cancelled', async () => {
    await producer.do('schedule', 'log', 1, { delta: 1, key: 'a' });
    await owner.logged(1);
    await producer.do('schedule', 'log', 2, { delta: HOUR, key: 'a' }, 'cancelled');
    expect(await producer.do('cancel', 'cancelled')).toBe('cancelled');
    await producer.do('schedule', 'log', 3, { delta: 1, key: 'a' });
    expect(await owner.logged(2)).toEqual([1, 3]);
  });

  test('a key is the same one in all threads', async () => {
    const second = new Producer(owner.manager.handle);
    await producer.do('schedule', 'log', 'replaced', { delta: HOUR, key: 'a' });
    await until(() => owner.manager.stats().pending === 1, 'the first task to come');
    await second.do('schedule', 'log', 'replacing', { delta: 1, key: 'a' });
    expect(await owner.logged(1)).toEqual(['replacing']);
    expect(owner.manager.stats().pending).toBe(0);
  });

  test('a recurring task runs on its grid, once at each point', async () => {
    const times: number[] = [];
    owner.manager.define('tick', () => times.push(owner.manager.getTime()));
    await producer.do('schedule', 'tick', undefined, { interval: 7, offset: -2.5 });
    await until(() => times.length >= 20, 'twenty runs');
    expect(await producer.do('cancel')).toBe('cancelled');
    const points = times.map((time) => Math.floor((time + 2.5 + 0.001) / 7));
    expect(new Set(points).size).toBe(times.length);
    const { length } = times;
    await producer.do('call', 'echo');
    expect(times).toHaveLength(length);
    expect(owner.manager.stats().pending).toBe(0);
  });

  test('a recurring task that throws goes on', async () => {
    let runs = 0;
    owner.manager.define('tick', () => {
      runs += 1;
      throw new Error('always');
    });
    await producer.do('schedule', 'tick', undefined, { interval: 1 });
    await until(() => runs >= 5, 'five runs');
    expect(owner.errors.slice(0, 2)).toEqual([
      ['Error: always', 'tick'],
      ['Error: always', 'tick'],
    ]);
    expect(owner.manager.stats().failed).toBeGreaterThanOrEqual(5);
  });

  test('a recurring task whose promise is pending is left out', async () => {
    const ends: (() => void)[] = [];
    owner.manager.define('tick', () => new Promise<void>((resolve) => ends.push(resolve)));
    await producer.do('schedule', 'tick', undefined, { interval: 1 });
    await until(() => owner.manager.stats().skipped >= 3, 'three points to be left out');
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await until(() => ends.length === 2, 'the second run');
    ends[1]?.();
  });

  test('a name without a handler goes to onError', async () => {
    await producer.do('scheduleAll', [
      ['nobody', 1],
      ['nobody', 1, { delta: 1 }],
    ]);
    await until(() => owner.errors.length === 2, 'two errors');
    expect(owner.errors).toEqual([
      ['ERR_UNKNOWN_TASK', 'nobody'],
      ['ERR_UNKNOWN_TASK', 'nobody'],
    ]);
  });

  test('what a handler throws, or rejects with, goes to onError, and the others run', async () => {
    owner.manager.define('throw', () => {
      throw new RangeError('thrown');
    });
    owner.manager.define('reject', async () => {
      throw new RangeError('rejected');
    });
    await producer.do('scheduleAll', [
      ['throw'],
      ['log', 1],
      ['reject'],
      ['log', 2],
      ['throw', 0, { delta: 0.5 }],
      ['log', 3, { delta: 0.5 }],
    ]);
    await owner.logged(3);
    await until(() => owner.errors.length === 3, 'three errors');
    expect(owner.errors.map(([error, name]) => `${name}: ${String(error)}`).toSorted()).toEqual([
      'reject: RangeError: rejected',
      'throw: RangeError: thrown',
      'throw: RangeError: thrown',
    ]);
    expect(owner.manager.stats().failed).toBe(3);
  });

  test('an onError that throws harms nobody', async () => {
    const clumsy = new Owner({
      onError: () => {
        throw new Error('from onError');
      },
    });
    const messages: unknown[] = [];
    const { error: original } = console;
    console.error = (...args: unknown[]) => messages.push(args);
    try {
      const worker = new Producer(clumsy.manager.handle);
      await worker.do('scheduleAll', [
        ['nobody'],
        ['log', 1],
        ['nobody', 0, { delta: 0.5 }],
        ['log', 2, { delta: 0.5 }],
      ]);
      await clumsy.logged(2);
      expect(await worker.do('call', 'echo', 3)).toBe(3);
      expect(messages.length).toBeGreaterThan(0);
    } finally {
      console.error = original;
    }
  });

  test('a handler is told the name and the manager', async () => {
    const told: unknown[] = [];
    owner.manager.define('told', (_payload, context) => {
      told.push(context.name, context.manager === owner.manager, context.signal.aborted);
    });
    await producer.do('schedule', 'told');
    await until(() => told.length === 3, 'the task to run');
    expect(told).toEqual(['told', true, false]);
  });

  test('a handler may be replaced', async () => {
    owner.manager.define('echo', () => 'replaced');
    expect(await producer.do('call', 'echo', 1)).toBe('replaced');
  });

  test('arguments that make no sense are refused in the calling thread, and schedule nothing', async () => {
    const wrong: unknown[] = [
      ['schedule'],
      ['schedule', 7],
      ['schedule', 'log', 1, null],
      ['schedule', 'log', 1, { delta: NaN }],
      ['schedule', 'log', 1, { delta: '1' }],
      ['schedule', 'log', 1, { when: NaN }],
      ['schedule', 'log', 1, { when: new Date(NaN) }],
      ['schedule', 'log', 1, { when: 'now' }],
      ['schedule', 'log', 1, { interval: 0 }],
      ['schedule', 'log', 1, { interval: -1 }],
      ['schedule', 'log', 1, { interval: Infinity }],
      ['schedule', 'log', 1, { interval: 5, offset: NaN }],
      ['schedule', 'log', 1, { interval: 5, offset: Infinity }],
      ['schedule', 'log', 1, { priority: 0.5 }],
      ['schedule', 'log', 1, { priority: 1e7 }],
      ['schedule', 'log', 1, { key: 5 }],
      ['schedule', 'log', 1, { transfer: 5 }],
      ['call', 5],
      ['call', 'log', 1, { timeout: NaN }],
      ['call', 'log', 1, { timeout: '1' }],
      ['call', 'log', 1, { signal: 1 }],
      ['callSync', 5],
      ['callSync', 'log', 1, { timeout: NaN }],
      ['callSync', 'log', 1, 5],
    ];
    const codes = await producer.do<string[]>('refusals', wrong);
    expect(codes.map((code, index) => [wrong[index], code])).toEqual(
      wrong.map((call) => [call, expect.stringMatching(/^ERR_INVALID_ARG_(TYPE|VALUE)$/)]),
    );
    await producer.do('call', 'echo');
    expect(owner.log).toEqual([]);
    expect(owner.manager.stats().pending).toBe(0);
  });
});

describe('suspend(), resume() and cancel()', () => {
  let owner: Owner;
  let producer: Producer;

  beforeEach(() => {
    owner = new Owner();
    producer = new Producer(owner.manager.handle);
  });

  test('a task that is suspended does not run, and does when it is resumed: at once when its time has passed', async () => {
    const { loop, manager, log } = new Owner({ loop: new RunLoop() });
    manager.define('log', (payload) => log.push(payload));
    const other = new Producer(manager.handle);
    await other.do('scheduleThen', 'suspend', 'log', 'first', { when: 1000 });
    await other.do('schedule', 'log', 'second', { when: 2000 }, 'second');
    loop.runOnce();
    loop.runOnce();
    expect(log).toEqual(['second']);
    await other.do('resume');
    loop.runOnce();
    loop.runOnce();
    expect(log).toEqual(['second', 'first']);
  });

  test('a recurring task goes on at its next point', async () => {
    await producer.do('schedule', 'log', 'tick', { interval: 2 });
    await owner.logged(3);
    await producer.do('suspend');
    await producer.do('call', 'echo');
    const { length } = owner.log;
    expect(owner.manager.stats().pending).toBe(0);
    const resumed = owner.manager.getTime();
    await producer.do('resume');
    await owner.logged(length + 1);
    expect(Math.floor(owner.manager.getTime() / 2)).toBeGreaterThan(Math.floor(resumed / 2));
  });

  test('a task that is suspended can be cancelled', async () => {
    await producer.do('schedule', 'log', 1, { delta: HOUR });
    await producer.do('suspend');
    expect(await producer.do('cancel')).toBe('cancelled');
    await producer.do('resume');
    await producer.do('call', 'echo');
    expect(owner.manager.stats().pending).toBe(0);
    expect(owner.log).toEqual([]);
  });

  test('suspend() and resume() of a task that is over do nothing', async () => {
    await producer.do('schedule', 'log', 1);
    await producer.do('suspend');
    await producer.do('resume');
    expect(await producer.do('cancel')).toBe('done');
    expect(owner.log).toEqual([1]);
  });

  test('a task that was cancelled before its time does not run', async () => {
    const { loop, manager, log } = new Owner({ loop: new RunLoop() });
    const other = new Producer(manager.handle);
    await other.reached(0);
    const cancelled = other.do('scheduleThen', 'cancel', 'log', 'cancelled', { when: 1000 });
    await other.reached(3);
    loop.runOnce();
    expect(await cancelled).toBe('cancelled');
    loop.runOnce();
    expect(log).toEqual([]);
    expect(manager.stats()).toMatchObject({ cancelled: 1, pending: 0, run: 0 });
  });

  test('a task that was cancelled stays cancelled', async () => {
    await producer.do('schedule', 'log', 'cancelled', { delta: HOUR });
    expect(await producer.do('cancel')).toBe('cancelled');
    expect(await producer.do('cancel')).toBe('cancelled');
  });

  test('a task that is over is done, also when it threw', async () => {
    await producer.do('schedule', 'log', 1, undefined, 'now');
    await producer.do('schedule', 'nobody', 1, undefined, 'failed');
    await producer.do('schedule', 'log', 1, { delta: 0.1 }, 'timed');
    await owner.logged(2);
    expect(await producer.do('cancel', 'now')).toBe('done');
    expect(await producer.do('cancel', 'failed')).toBe('done');
    expect(await producer.do('cancel', 'timed')).toBe('done');
  });

  test.each([
    ['at once', {}],
    ['later', { delta: 1 }],
  ])('a task that was due %s and has begun is running, and its signal is aborted', async (_when, options) => {
    const ends: (() => void)[] = [];
    let signal: AbortSignal | undefined;
    owner.manager.define('begin', (_payload, context) => {
      signal = context.signal;
      return new Promise<void>((resolve) => ends.push(resolve));
    });
    await producer.do('schedule', 'begin', undefined, options);
    await until(() => ends.length === 1, 'the task to begin');
    expect(signal?.aborted).toBe(false);
    expect(await producer.do('cancel')).toBe('running');
    expect(signal?.aborted).toBe(true);
    ends[0]?.();
    await producer.do('call', 'echo');
    expect(await producer.do('cancel')).toBe('done');
    expect(owner.errors).toEqual([]);
  });

  test('a recurring task that is cancelled while it runs does not run again', async () => {
    const ends: (() => void)[] = [];
    owner.manager.define('tick', () => new Promise<void>((resolve) => ends.push(resolve)));
    await producer.do('schedule', 'tick', undefined, { interval: 1 });
    await until(() => ends.length === 1, 'the first run');
    expect(await producer.do('cancel')).toBe('running');
    ends[0]?.();
    await producer.do('call', 'echo');
    expect(owner.manager.stats().pending).toBe(0);
    expect(ends).toHaveLength(1);
  });
});

test('of tasks that are due at the same time the lower priority number runs first, equals in their order', async () => {
  // The loop stands still until all tasks are there.
  const owner = new Owner({ loop: new RunLoop() });
  const producer = new Producer(owner.manager.handle);
  await producer.do('scheduleAll', [
    ['log', 'd', { when: 2000 }],
    ['log', 'c1', { when: 1000, priority: 7 }],
    ['log', 'b1', { when: 1000 }],
    ['log', 'a', { when: 1000, priority: -1_000_000 }],
    ['log', 'c2', { when: 1000, priority: 7 }],
    ['log', 'b2', { when: 1000, priority: 0 }],
  ]);
  owner.loop.runOnce();
  owner.loop.runOnce();
  expect(owner.log).toEqual(['a', 'b1', 'b2', 'c1', 'c2', 'd']);
});

test('what was scheduled before the loop runs is there when it does', async () => {
  const owner = new Owner({ loop: new RunLoop() });
  const producer = new Producer(owner.manager.handle);
  await producer.do('count', 'log', 5);
  await producer.terminate();
  expect(owner.log).toEqual([]);
  owner.loop.runOnce();
  expect(owner.log).toEqual([0, 1, 2, 3, 4]);
});

test('several connections of one thread are several producers', async () => {
  const owner = new Owner();
  const first = TaskManager.connect(owner.manager.handle);
  const second = TaskManager.connect(structuredClone(owner.manager.handle));
  first.schedule('log', 1);
  second.schedule('log', 2);
  first.close();
  expect(new Set(await owner.logged(2))).toEqual(new Set([1, 2]));
  expect(await within(second.call('echo', 3), 'a call')).toBe(3);
  second.close();
});

test('the manager schedules named tasks of its own', async () => {
  const owner = new Owner();
  const { manager } = owner;
  const payload = { same: () => 'object' };
  manager.schedule('log', payload);
  manager.schedule('log', 'at', { when: Date.now() - 1 });
  manager.schedule('log', 'delta', { delta: 2 });
  manager.schedule('nobody');
  await owner.logged(3);
  expect(owner.log.find((entry) => typeof entry === 'object')).toBe(payload);
  await until(() => owner.errors.length > 0, 'an error');
  expect(owner.errors).toEqual([['ERR_UNKNOWN_TASK', 'nobody']]);
  manager.schedule('log', 'tick', { interval: 1 });
  await owner.logged(6);
  expect(owner.log.slice(3, 6)).toEqual(['tick', 'tick', 'tick']);
});

describe.each(['run', 'runSync'] as const)('this thread schedules on the manager of a worker in %s()', (way) => {
  test('tasks, calls and cancels', async () => {
    const [owner, handle] = await RemoteOwner.start(way);
    const remote = TaskManager.connect(handle);
    remote.schedule('post', 1);
    remote.schedule('post', { two: 2 }, { delta: 1 });
    expect(await owner.received(2)).toEqual([1, { two: 2 }]);
    const task = remote.schedule('post', 3, { delta: HOUR });
    expect(await within(task.cancel(), 'cancel()')).toBe('cancelled');
    expect(await within(task.cancel(), 'cancel()')).toBe('cancelled');
    expect(await within(remote.call('echo', [4]), 'call()')).toEqual([4]);
    expect(remote.callSync('echo', [5])).toEqual([5]);
    const tick = remote.schedule('post', 'tick', { interval: 1 });
    await owner.received(5);
    tick.suspend();
    tick.resume();
    await owner.received(7);
    expect(await within(tick.cancel(), 'cancel()')).toBe('cancelled');
    remote.close();
  });

  test('which is woken out of its sleep', async () => {
    const [owner, handle] = await RemoteOwner.start(way);
    const remote = TaskManager.connect(handle);
    for (let round = 0; round < 5; round += 1) {
      await owner.blocked();
      remote.schedule('post', round);
      await owner.received(round + 1);
    }
    expect(owner.messages).toEqual([0, 1, 2, 3, 4]);
    remote.close();
  });

  test('together with another worker', async () => {
    const [owner, handle] = await RemoteOwner.start(way);
    const producer = new Producer(handle);
    const remote = TaskManager.connect(handle);
    await Promise.all([
      producer.do('count', 'count', 20_000),
      (async () => {
        for (let index = 0; index < 20_000; index += 1) {
          remote.schedule('count');
        }
        await remote.call('echo');
      })(),
    ]);
    await producer.do('callSync', 'echo');
    expect(owner.words[2]).toBe(40_000);
    remote.close();
  });
});
