/** suspend(), resume() and cancel() of a task that another thread has scheduled. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop } from 'waitable-event';

import { Owner, Producer } from '../support/remote/task-managers';
import { until } from '../support/threads';

const HOUR = 3_600_000;

describe('suspend(), resume() and cancel()', () => {
  let owner: Owner;
  let producer: Producer;

  beforeEach(() => {
    owner = new Owner();
    producer = new Producer(owner.manager.handle);
  });

  test('a suspended task does not run until it is resumed: immediately if its time has passed', async () => {
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
    // Runs behind it.
    await producer.do('call', 'echo');
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
    await producer.do('schedule', 'unknown', 1, undefined, 'failed');
    await producer.do('schedule', 'log', 1, { delta: 0.1 }, 'timed');
    await owner.logged(2);
    expect(await producer.do('cancel', 'now')).toBe('done');
    expect(await producer.do('cancel', 'failed')).toBe('done');
    expect(await producer.do('cancel', 'timed')).toBe('done');
  });

  test.each([
    ['as soon as possible', {}],
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
