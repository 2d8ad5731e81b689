/** `concurrency` of define(). */

import { describe, expect, test } from '@jest/globals';
import { type RemoteTaskManager, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';
import { Owner } from '../support/remote/task-managers';
import { until } from '../support/threads';

interface Slow {
  /** The payloads of the handlers that were called. */
  readonly begun: unknown[];
  readonly signals: AbortSignal[];
  readonly ends: ((value?: unknown) => void)[];
}

function defineSlow(manager: TaskManager, concurrency?: number): Slow {
  const slow: Slow = { begun: [], signals: [], ends: [] };
  manager.define(
    'slow',
    (payload, { signal }) => {
      slow.begun.push(payload);
      slow.signals.push(signal);
      return new Promise((resolve) => {
        slow.ends.push(resolve);
      });
    },
    { concurrency },
  );
  return slow;
}

function connect(manager: TaskManager): RemoteTaskManager {
  const remote = TaskManager.connect(manager.handle);
  finallyDo(() => remote.close());
  return remote;
}

test('limits how many promises of a handler are pending, in the order of the tasks', async () => {
  const { manager } = new Owner();
  const { begun, ends } = defineSlow(manager, 2);
  const remote = connect(manager);
  const calls = [1, 2, 3, 4].map((payload) => remote.call('slow', payload));
  // Other names go on.
  expect(await remote.call('echo', 'other')).toBe('other');
  manager.schedule('slow', 5);
  expect(begun).toEqual([1, 2]);
  ends[1]?.('second');
  expect(await calls[1]).toBe('second');
  await until(() => begun.length === 3, 'the third');
  ends[0]?.('first');
  ends[2]?.('third');
  expect(await Promise.all([calls[0], calls[2]])).toEqual(['first', 'third']);
  await until(() => begun.length === 5, 'the rest');
  ends.slice(3).forEach((end) => end('rest'));
  expect(await calls[3]).toBe('rest');
  expect(begun).toEqual([1, 2, 3, 4, 5]);
  // A place that is free is used immediately.
  const last = remote.call('slow', 6);
  await until(() => begun.length === 6, 'the last');
  ends[5]?.('last');
  expect(await last).toBe('last');
});

test('is no limit by default, and none for a handler that returns no promise', async () => {
  const { manager } = new Owner();
  const { begun } = defineSlow(manager);
  const remote = connect(manager);
  [1, 2, 3].forEach((payload) => remote.schedule('slow', payload));
  await until(() => begun.length === 3, 'all three');
  manager.define('sync', (payload) => payload, { concurrency: 1 });
  expect(await Promise.all([1, 2, 3].map((payload) => remote.call('sync', payload)))).toEqual([1, 2, 3]);
});

test('a handler that fails, or throws after its turn, makes room', async () => {
  const owner = new Owner();
  const { manager } = owner;
  let runs = 0;
  manager.define(
    'fail',
    (payload) => {
      runs += 1;
      if (payload === 'throw') {
        throw new Error('thrown');
      }
      return Promise.reject(new Error('rejected'));
    },
    { concurrency: 1 },
  );
  const remote = connect(manager);
  const outcomes = await Promise.allSettled(['reject', 'throw', 'reject'].map((how) => remote.call('fail', how)));
  expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : 'none'))).toEqual([
    'Error: rejected',
    'Error: thrown',
    'Error: rejected',
  ]);
  expect([runs, manager.stats().failed, owner.errors]).toEqual([3, 3, []]);
});

describe.each(['own', 'another'])('cancel() of a task of %s thread', (thread) => {
  test("that waits for its turn answers 'cancelled', and the handler is not called", async () => {
    const owner = new Owner();
    const { manager } = owner;
    const { begun, ends, signals } = defineSlow(manager, 1);
    const from = thread === 'own' ? manager : connect(manager);
    const [first, second, third] = [1, 2, 3].map((payload) => from.schedule('slow', payload));
    await until(() => manager.stats().run === 3, 'the first to begin, and the others to wait');
    expect(await second?.cancel()).toBe('cancelled');
    expect(await first?.cancel()).toBe('running');
    expect(signals[0]?.aborted).toBe(true);
    ends[0]?.();
    await until(() => begun.length === 2, 'the third');
    expect(begun).toEqual([1, 3]);
    ends[1]?.();
    await connect(manager).call('echo');
    expect(await third?.cancel()).toBe('done');
    expect(manager.stats()).toMatchObject({ cancelled: 1, failed: 0 });
    expect(owner.errors).toEqual([]);
  });
});

test('a call that is given up while it waits for its turn does not run', async () => {
  const owner = new Owner();
  const { manager } = owner;
  const { begun, ends } = defineSlow(manager, 1);
  const remote = connect(manager);
  const first = remote.call('slow', 1);
  const second = remote.call('slow', 2, { signal: AbortSignal.timeout(20) });
  await expect(second).rejects.toMatchObject({ name: 'TimeoutError' });
  await until(() => manager.stats().cancelled === 1, 'the cancel');
  ends[0]?.('first');
  expect(await first).toBe('first');
  expect(await remote.call('echo', 1)).toBe(1);
  expect(begun).toEqual([1]);
  expect(owner.errors).toEqual([]);
});

test.each([
  ['ERR_INVALID_ARG_TYPE', 1],
  ['ERR_INVALID_ARG_TYPE', { concurrency: '1' }],
  ['ERR_INVALID_ARG_VALUE', { concurrency: 0 }],
  ['ERR_INVALID_ARG_VALUE', { concurrency: 1.5 }],
  ['ERR_INVALID_ARG_VALUE', { concurrence: 1 }],
])('define() throws %s for the options %p, and defines nothing', async (code, options) => {
  const { manager } = new Owner();
  expect(codeOf(() => manager.define('name', () => 1, options as object))).toBe(code);
  await expect(connect(manager).call('name')).rejects.toMatchObject({ code: 'ERR_UNKNOWN_TASK' });
  manager.define('name', () => 1, { concurrency: Infinity });
});
