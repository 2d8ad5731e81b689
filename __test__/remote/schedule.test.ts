/** schedule() in a worker, on a manager of the main thread. */

import { beforeEach, describe, expect, test } from '@jest/globals';

import { Owner, Producer } from '../support/remote/task-managers';
import { monotonic, until } from '../support/threads';

const HOUR = 3_600_000;

/** Returns how many points of the grid with an interval of 7 ms and an offset of -2.5 ms have passed at a time. */
function pointAt(time: number): number {
  return Math.floor((time + 2.5 + 0.001) / 7);
}

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

  test('with a negative delta: in the next pass', async () => {
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

  test('at a time that has passed: in the next pass', async () => {
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
    const start = pointAt(owner.manager.getTime());
    owner.manager.define('tick', () => times.push(owner.manager.getTime()));
    await producer.do('schedule', 'tick', undefined, { interval: 7, offset: -2.5 });
    await until(() => times.length >= 20, 'twenty runs');
    expect(await producer.do('cancel')).toBe('cancelled');
    // Each run is at a point of its own or, on a busy machine, after it: the n-th one is never before the n-th point.
    expect(times.findIndex((time, index) => pointAt(time) <= start + index)).toBe(-1);
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
      ['unknown', 1],
      ['unknown', 1, { delta: 1 }],
    ]);
    await until(() => owner.errors.length === 2, 'two errors');
    expect(owner.errors).toEqual([
      ['ERR_UNKNOWN_TASK', 'unknown'],
      ['ERR_UNKNOWN_TASK', 'unknown'],
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

  test('an onError that throws stops no other task', async () => {
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
        ['unknown'],
        ['log', 1],
        ['unknown', 0, { delta: 0.5 }],
        ['log', 2, { delta: 0.5 }],
      ]);
      await clumsy.logged(2);
      expect(await worker.do('call', 'echo', 3)).toBe(3);
      expect(messages.length).toBeGreaterThan(0);
    } finally {
      console.error = original;
    }
  });

  test('a handler gets the name and the manager', async () => {
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

  test('invalid arguments are refused in the calling thread, and schedule nothing', async () => {
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
