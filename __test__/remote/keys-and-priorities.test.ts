/** `key` and `priority` of calls and tasks, and cancelKey(). */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';
import { Owner, Producer } from '../support/remote/task-managers';
import { until } from '../support/threads';

const HOUR = 3_600_000;

/** A manager whose loop runs a pass when the test says so. */
function standing(): Owner {
  return new Owner({ loop: new RunLoop() });
}

describe('a call with a key', () => {
  test('is replaced by a later one that comes before it has begun, and rejects with ERR_TASK_CANCELLED', async () => {
    const { loop, manager, log } = standing();
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    const outcomes = Promise.allSettled([
      remote.call('log', 'first', { key: 'a' }),
      remote.call('log', 'other', { key: 'b' }),
      remote.call('log', 'second', { key: 'a' }),
    ]);
    loop.runOnce();
    loop.runOnce();
    const [first, other, second] = await outcomes;
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'ERR_TASK_CANCELLED' } });
    expect([other?.status, second?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(new Set(log)).toEqual(new Set(['other', 'second']));
    expect(manager.stats()).toMatchObject({ cancelled: 1, run: 2, pending: 0, failed: 0 });
  });

  test('replaces a task that waits for its time, in whichever thread that was scheduled', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    owner.manager.schedule('log', 'own', { delta: HOUR, key: 'a' });
    expect(await producer.do('call', 'echo', 'called', { key: 'a' })).toBe('called');
    await producer.do('schedule', 'log', 'remote', { delta: HOUR, key: 'b' });
    expect(await producer.do('callSync', 'echo', 'blocked', { key: 'b' })).toBe('blocked');
    expect(owner.manager.stats()).toMatchObject({ cancelled: 2, pending: 0 });
    expect(owner.log).toEqual([]);
  });

  test('is replaced by a task, also when it waits for room', async () => {
    const { loop, manager, log } = new Owner({ loop: new RunLoop(), capacity: 4 });
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    const calls = Array.from({ length: 20 }, (_, index) => remote.call('log', index, { key: `key ${index % 2}` }));
    const outcomes = Promise.allSettled(calls);
    let over = false;
    void outcomes.then(() => (over = true));
    await until(() => {
      loop.runOnce();
      return over;
    }, 'the end of all calls');
    const kinds = (await outcomes).map(({ status }) => status);
    expect(kinds.slice(-2)).toEqual(['fulfilled', 'fulfilled']);
    expect(kinds.filter((kind) => kind === 'fulfilled')).toHaveLength(log.length);
  });
});

describe('priority', () => {
  test('orders the tasks and calls of a connection that wait in its queue', async () => {
    const { loop, manager, log } = standing();
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    remote.schedule('log', 'plain 1');
    const calls = [
      remote.call('log', 'last', { priority: 9 }),
      remote.call('log', 'plain 2'),
      remote.call('log', 'first', { priority: -1 }),
      remote.call('log', 'last too', { priority: 9 }),
    ];
    remote.schedule('log', 'very first', { priority: -1000 });
    remote.schedule('log', 'plain 3', { priority: 0 });
    loop.runOnce();
    loop.runOnce();
    await Promise.all(calls);
    expect(log).toEqual(['very first', 'first', 'plain 1', 'plain 2', 'plain 3', 'last', 'last too']);
    // What comes later runs when it is read.
    remote.schedule('log', 'next');
    loop.runOnce();
    expect(log.at(-1)).toBe('next');
  });

  test('and a key, of a blocking call', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    expect(await producer.do('callSync', 'echo', 1, { priority: -5, key: 'a' })).toBe(1);
    expect(await producer.do('callSync', 'echo', 2, { priority: 5 })).toBe(2);
  });
});

describe('cancelKey()', () => {
  let owner: Owner;
  let producer: Producer;

  beforeEach(() => {
    owner = new Owner();
    producer = new Producer(owner.manager.handle);
  });

  test('of a manager cancels tasks of every thread', async () => {
    owner.manager.schedule('log', 'own', { delta: HOUR, key: 'own' });
    await producer.do('schedule', 'log', 'remote', { delta: HOUR, key: 'remote' });
    await producer.do('call', 'echo');
    expect(['own', 'remote', 'own', 'none'].map((key) => owner.manager.cancelKey(key))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(owner.manager.stats()).toMatchObject({ cancelled: 2, pending: 0 });
    expect(await producer.do('cancel')).toBe('done');
  });

  test('of another thread cancels tasks of every thread', async () => {
    owner.manager.schedule('log', 'own', { delta: HOUR, key: 'own' });
    await producer.do('schedule', 'log', 'remote', { delta: HOUR, key: 'remote' });
    expect(await producer.do('cancelKey', 'own')).toBe(true);
    expect(await producer.do('cancelKey', 'remote')).toBe(true);
    expect(await producer.do('cancelKey', 'remote')).toBe(false);
    expect(owner.manager.stats()).toMatchObject({ cancelled: 2, pending: 0 });
  });

  test('cancels what waits in the queue of a busy owner, and nothing that is sent after it', async () => {
    const { loop, manager, log } = standing();
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    const call = remote.call('log', 'called', { key: 'b' });
    call.catch(() => {});
    remote.schedule('log', 'before', { key: 'a' });
    const cancelled = [remote.cancelKey('a'), remote.cancelKey('b'), remote.cancelKey('c')];
    remote.schedule('log', 'after', { key: 'a' });
    loop.runOnce();
    loop.runOnce();
    expect(await Promise.all(cancelled)).toEqual([true, true, false]);
    await expect(call).rejects.toMatchObject({ code: 'ERR_TASK_CANCELLED' });
    expect(log).toEqual(['after']);
    expect(manager.stats()).toMatchObject({ cancelled: 2, run: 1, pending: 0 });
  });

  test('ends a recurring task', async () => {
    await producer.do('schedule', 'log', 'tick', { interval: 1, key: 'tick' });
    await owner.logged(2);
    expect(owner.manager.cancelKey('tick')).toBe(true);
    const { length } = owner.log;
    await producer.do('call', 'echo');
    expect(owner.log).toHaveLength(length);
    expect(owner.manager.stats().pending).toBe(0);
  });

  test('refuses what is no string, and a manager that is closed', async () => {
    expect(codeOf(() => owner.manager.cancelKey(1 as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(await producer.fails('cancelKey', 1)).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    owner.manager.schedule('log', 1, { delta: HOUR, key: 'a' });
    owner.manager.close();
    expect(await producer.fails('cancelKey', 'a')).toMatchObject({ code: 'ERR_TASK_MANAGER_CLOSED' });
    // A waiting task is kept, and can be cancelled.
    expect(owner.manager.cancelKey('a')).toBe(true);
  });
});
