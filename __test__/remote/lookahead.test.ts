/**
 * Lookahead: a task that is due as soon as possible waits in the queue, and the record that cancels or replaces it is
 * behind it.
 */

import { describe, expect, test } from '@jest/globals';
import { type RemoteTaskManager, RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { rejectionOf } from '../support/outcomes';
import { Owner } from '../support/remote/task-managers';
import { until } from '../support/threads';

/** A manager whose loop stands still but for `runOnce()`, and a connection to it. */
function connected(): [owner: Owner, remote: RemoteTaskManager] {
  const owner = new Owner({ loop: new RunLoop() });
  const remote = TaskManager.connect(owner.manager.handle);
  finallyDo(() => remote.close());
  return [owner, remote];
}

/** Makes passes of the loop, and iterations of this thread's event loop, until a promise is settled. */
async function passUntil<T>(owner: Owner, promise: Promise<T>): Promise<T> {
  const state = { isSettled: false };
  promise.finally(() => (state.isSettled = true)).catch(() => {});
  await until(() => {
    owner.loop.runOnce();
    return state.isSettled;
  }, 'an answer');
  return promise;
}

function counts(owner: Owner): object {
  const { scheduled, run, failed, cancelled, pending } = owner.manager.stats();
  return { scheduled, run, failed, cancelled, pending };
}

describe('a task that has not begun', () => {
  test('is cancelled, and every other one runs in its order', async () => {
    const [owner, remote] = connected();
    const tasks = Array.from({ length: 300 }, (_, index) => remote.schedule('log', index));
    const cancelled = tasks.filter((_, index) => index % 3 === 1);
    const outcomes = await passUntil(owner, Promise.all(cancelled.map((task) => task.cancel())));
    expect(new Set(outcomes)).toEqual(new Set(['cancelled']));
    expect(owner.log).toEqual(Array.from({ length: 300 }, (_, index) => index).filter((index) => index % 3 !== 1));
    expect(counts(owner)).toEqual({ scheduled: 300, run: 200, failed: 0, cancelled: 100, pending: 0 });
    // What there was to know is forgotten.
    expect(await passUntil(owner, tasks[0]?.cancel() as Promise<string>)).toBe('done');
    remote.schedule('log', 'more');
    owner.loop.runOnce();
    expect(owner.log.at(-1)).toBe('more');
  });

  test('is cancelled with its payload, of whatever kind, and those behind it are whole', async () => {
    const [owner, remote] = connected();
    const payloads = [
      1,
      'text',
      { a: { b: 1 } },
      new Map([[1, 2]]),
      new Uint8Array(600_000).fill(1),
      new SharedArrayBuffer(1),
    ];
    for (const payload of payloads) {
      const task = remote.schedule('log', payload);
      remote.schedule('log', { a: { b: 2 } });
      expect(await passUntil(owner, task.cancel())).toBe('cancelled');
    }
    expect(owner.log).toEqual(payloads.map(() => ({ a: { b: 2 } })));
  });

  test('does not run when the signal of its call is aborted', async () => {
    const [owner, remote] = connected();
    const controller = new AbortController();
    const call = remote.call('log', 1, { signal: controller.signal });
    controller.abort();
    expect(await rejectionOf(call)).toBe(20);
    await passUntil(owner, remote.call('echo'));
    expect(owner.log).toEqual([]);
    expect(counts(owner)).toEqual({ scheduled: 2, run: 1, failed: 0, cancelled: 1, pending: 0 });
  });

  test('does not run when its caller has timed out', async () => {
    const [owner, remote] = connected();
    expect(await rejectionOf(remote.call('log', 1, { timeout: 1 }))).toBe('ERR_CALL_TIMEOUT');
    await passUntil(owner, remote.call('echo'));
    expect(owner.log).toEqual([]);
  });

  test('is suspended, and runs when it is resumed', async () => {
    const [owner, remote] = connected();
    const task = remote.schedule('log', 'suspended');
    task.suspend();
    remote.schedule('log', 'next');
    await passUntil(owner, remote.call('echo'));
    await passUntil(owner, remote.call('echo'));
    expect(owner.log).toEqual(['next']);
    task.resume();
    await passUntil(owner, remote.call('echo'));
    owner.loop.runOnce();
    expect(owner.log).toEqual(['next', 'suspended']);
    expect(await passUntil(owner, task.cancel())).toBe('done');
  });

  test('is replaced by a later one with the same key, and not by others', async () => {
    const [owner, remote] = connected();
    const replaced = remote.schedule('log', 'a1', { key: 'a' });
    remote.schedule('log', 'plain');
    remote.schedule('log', 'b1', { key: 'b' });
    remote.schedule('log', 'a2', { key: 'a' });
    remote.schedule('log', 'c1', { key: 'c' });
    remote.schedule('log', 'a3', { key: 'a' });
    owner.loop.runOnce();
    expect(owner.log).toEqual(['plain', 'b1', 'c1', 'a3']);
    expect(counts(owner)).toEqual({ scheduled: 6, run: 4, failed: 0, cancelled: 2, pending: 0 });
    owner.loop.runOnce();
    expect(owner.log).toHaveLength(4);
    expect(await passUntil(owner, replaced.cancel())).toBe('done');
  });

  test('is replaced by one that is due later', () => {
    const [owner, remote] = connected();
    remote.schedule('log', 'now', { key: 'key' });
    remote.schedule('log', 'later', { key: 'key', delta: 1e9 });
    owner.loop.runOnce();
    owner.loop.runOnce();
    expect(owner.log).toEqual([]);
    remote.schedule('log', 'again', { key: 'key' });
    owner.loop.runOnce();
    expect(owner.log).toEqual(['again']);
    expect(counts(owner)).toEqual({ scheduled: 3, run: 1, failed: 0, cancelled: 2, pending: 0 });
  });

  test('is known of also when a task before it makes a pass', async () => {
    const [owner, remote] = connected();
    owner.manager.define('nested', () => owner.loop.runOnce());
    for (let round = 0; round < 3; round += 1) {
      remote.schedule('nested');
      const task = remote.schedule('log', 'cancelled');
      remote.schedule('log', round);
      remote.schedule('log', 'replaced', { key: 'key' });
      const outcome = task.cancel();
      remote.schedule('log', `key ${round}`, { key: 'key' });
      expect(await passUntil(owner, outcome)).toBe('cancelled');
    }
    expect(owner.log).toEqual([0, 'key 0', 1, 'key 1', 2, 'key 2']);
  });
});

test('cancel() is answered the same each time', async () => {
  const [owner, remote] = connected();
  const task = remote.schedule('log', 1, { delta: 1e9 });
  expect(await passUntil(owner, Promise.all([task.cancel(), task.cancel()]))).toEqual(['cancelled', 'cancelled']);
  expect(await passUntil(owner, task.cancel())).toBe('cancelled');
  expect(counts(owner)).toEqual({ scheduled: 1, run: 0, failed: 0, cancelled: 1, pending: 0 });
});

test('a task that is suspended and resumed is counted once, and one that is not suspended keeps its place', async () => {
  const [owner, remote] = connected();
  const when = Date.now() + 5;
  const task = remote.schedule('log', 'first', { when });
  remote.schedule('log', 'second', { when });
  task.suspend();
  task.suspend();
  task.resume();
  owner.loop.runOnce();
  expect(counts(owner)).toEqual({ scheduled: 2, run: 0, failed: 0, cancelled: 0, pending: 2 });
  const other = remote.schedule('log', 'third', { when });
  remote.schedule('log', 'fourth', { when });
  other.resume();
  owner.loop.runOnce();
  await until(() => {
    owner.loop.runOnce();
    return owner.log.length === 4;
  }, 'the tasks');
  expect(owner.log).toEqual(['second', 'first', 'third', 'fourth']);
  expect(counts(owner)).toEqual({ scheduled: 4, run: 4, failed: 0, cancelled: 0, pending: 0 });
});
