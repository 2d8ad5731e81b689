/** `signal` of schedule(), in the manager's own thread and in others. */

import { describe, expect, test } from '@jest/globals';
import { type RemoteTaskManager, type RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { countListeners } from '../support/listeners';
import { codeOf } from '../support/outcomes';
import { Owner } from '../support/remote/task-managers';
import { until } from '../support/threads';

const HOUR = 3_600_000;

interface Slow {
  readonly signals: AbortSignal[];
  readonly ends: (() => void)[];
}

/** Defines a handler whose promises the test resolves. */
function defineSlow(manager: TaskManager): Slow {
  const slow: Slow = { signals: [], ends: [] };
  manager.define('slow', (_payload, { signal }) => {
    slow.signals.push(signal);
    return new Promise<void>((resolve) => {
      slow.ends.push(resolve);
    });
  });
  return slow;
}

describe.each(['own', 'another'])('schedule() of %s thread', (thread) => {
  function make(): { owner: Owner; manager: TaskManager; loop: RunLoop; from: TaskManager | RemoteTaskManager } {
    const owner = new Owner();
    if (thread === 'own') {
      return { owner, manager: owner.manager, loop: owner.loop, from: owner.manager };
    }
    const remote = TaskManager.connect(owner.manager.handle);
    finallyDo(() => remote.close());
    return { owner, manager: owner.manager, loop: owner.loop, from: remote };
  }

  test('cancels a task that waits for its time', async () => {
    const { owner, manager, from } = make();
    const [controller, listeners] = countListeners();
    const { signal } = controller;
    from.schedule('log', 'cancelled', { delta: HOUR, signal });
    const other = from.schedule('log', 'kept', { delta: HOUR });
    await until(() => manager.stats().pending === 2, 'both tasks');
    expect(listeners()).toBe(1);
    controller.abort();
    await until(() => manager.stats().cancelled === 1, 'the cancel');
    await until(() => listeners() === 0, 'the end of the listening');
    expect(manager.stats()).toMatchObject({ pending: 1, run: 0, failed: 0 });
    expect(await other.cancel()).toBe('cancelled');
    expect(owner.errors).toEqual([]);
  });

  test('tells a handler that runs, and listens until its promise is settled', async () => {
    const { owner, manager, from } = make();
    const { signals, ends } = defineSlow(manager);
    const [controller, listeners] = countListeners();
    const { signal } = controller;
    from.schedule('slow', 1, { signal });
    from.schedule('slow', 2, { signal, delta: 1 });
    await until(() => signals.length === 2, 'both handlers');
    expect(listeners()).toBe(2);
    ends[0]?.();
    await until(() => listeners() === 1, 'the end of the first');
    controller.abort('enough');
    await until(() => signals[1]?.aborted === true, 'the abort of the second');
    expect(signals[0]?.aborted).toBe(false);
    ends[1]?.();
    await until(() => listeners() === 0, 'the end of the second');
    expect(owner.errors).toEqual([]);
  });

  test('ends a recurring task, and listens until then', async () => {
    const { owner, manager, from } = make();
    const [controller, listeners] = countListeners();
    from.schedule('log', 'tick', { interval: 1, signal: controller.signal });
    await owner.logged(3);
    expect(listeners()).toBe(1);
    controller.abort();
    await until(() => listeners() === 0, 'the end of the listening');
    await until(() => manager.stats().pending === 0, 'the end of the task');
  });

  test.each([
    ['that ran', 'log', {}],
    ['that ran at its time', 'log', { delta: 1 }],
    ['that threw', 'throw', {}],
    ['whose promise was rejected', 'reject', { delta: 1 }],
    ['without a handler', 'unknown', {}],
  ])('listens no longer for a task %s', async (_what, name, options) => {
    const { owner, manager, from } = make();
    manager.define('throw', () => {
      throw new Error('thrown');
    });
    manager.define('reject', () => Promise.reject(new Error('rejected')));
    const [controller, listeners] = countListeners();
    from.schedule(name, 1, { ...options, signal: controller.signal });
    await until(() => listeners() === 0, 'the end of the listening');
    // The producer does not wait for a result, so errors are the manager's.
    expect(owner.errors).toHaveLength(name === 'log' ? 0 : 1);
    controller.abort();
  });

  test('listens no longer for a task that was cancelled or replaced', async () => {
    const { manager, from } = make();
    const [controller, listeners] = countListeners();
    const { signal } = controller;
    const task = from.schedule('log', 1, { delta: HOUR, signal });
    from.schedule('log', 2, { delta: HOUR, signal, key: 'a' });
    from.schedule('log', 3, { delta: HOUR, signal, key: 'b' });
    expect(await task.cancel()).toBe('cancelled');
    expect(await from.cancelKey('a')).toBe(true);
    from.schedule('log', 4, { key: 'b' });
    await until(() => listeners() === 0, 'the end of the listening');
    expect(manager.stats().cancelled).toBe(3);
  });

  test('throws the reason of a signal that is aborted, and refuses what is none', async () => {
    const { manager, from } = make();
    expect(() => from.schedule('log', 1, { signal: AbortSignal.abort(new RangeError('before')) })).toThrow('before');
    expect(codeOf(() => from.schedule('log', 1, { signal: {} as never }))).toBe('ERR_INVALID_ARG_TYPE');
    expect(manager.stats().scheduled).toBe(0);
  });
});

test('a connection that is closed listens no longer', async () => {
  const owner = new Owner();
  const remote = TaskManager.connect(owner.manager.handle);
  const [controller, listeners] = countListeners();
  remote.schedule('log', 1, { delta: HOUR, signal: controller.signal });
  expect(() => remote.schedule('log', Symbol('s'), { signal: controller.signal })).toThrow(
    expect.objectContaining({ name: 'DataCloneError' }),
  );
  expect(listeners()).toBe(1);
  remote.close();
  expect(listeners()).toBe(0);
  controller.abort();
});
