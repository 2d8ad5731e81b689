/** What a handler learns from the reason of its signal. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { QueueFullError, type RemoteTaskManager, TaskManager } from 'waitable-event';

import { Owner } from '../support/remote/task-managers';
import { until } from '../support/threads';

/** Begins a task that ends when its signal aborts. Returns what aborts it. */
type Begin = (owner: Owner, remote: RemoteTaskManager) => AbortController;

const WAYS: readonly (readonly [string, Begin])[] = [
  [
    'call() of a producer',
    (_owner, remote) => {
      const controller = new AbortController();
      remote.call('wait', undefined, { signal: controller.signal }).catch(() => {});
      return controller;
    },
  ],
  [
    'schedule() of a producer',
    (_owner, remote) => {
      const controller = new AbortController();
      remote.schedule('wait', undefined, { signal: controller.signal });
      return controller;
    },
  ],
  [
    'schedule() of the manager itself',
    ({ manager }) => {
      const controller = new AbortController();
      manager.schedule('wait', undefined, { signal: controller.signal });
      return controller;
    },
  ],
];

describe.each(WAYS)('the reason of an abort, by %s', (_way, begin) => {
  let owner: Owner;
  let remote: RemoteTaskManager;
  let signals: AbortSignal[];

  beforeEach(() => {
    owner = new Owner();
    remote = TaskManager.connect(owner.manager.handle);
    signals = [];
    owner.manager.define('wait', (_payload, { signal }) => {
      signals.push(signal);
      return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    });
  });

  /** Aborts a task that runs, and returns the reason that its handler has. */
  async function reasonAfter(abort: (controller: AbortController) => void): Promise<unknown> {
    const controller = begin(owner, remote);
    await until(() => signals.length === 1, 'the task to begin');
    abort(controller);
    await until(() => signals[0]?.aborted === true, 'the signal of the handler to be aborted');
    return signals[0]?.reason;
  }

  test('an error arrives with its class, message, code and cause', async () => {
    const cause = new RangeError('the line is cut');
    const error = Object.assign(new TypeError('no lease', { cause }), { code: 'ERR_LEASE_LOST' });
    const reason = await reasonAfter((controller) => controller.abort(error));
    expect(reason).toBeInstanceOf(TypeError);
    expect(reason).toMatchObject({
      message: 'no lease',
      code: 'ERR_LEASE_LOST',
      cause: { message: 'the line is cut' },
    });
  });

  test('an error of this package arrives as one', async () => {
    const reason = await reasonAfter((controller) => controller.abort(new QueueFullError()));
    expect(reason).toBeInstanceOf(QueueFullError);
  });

  test.each([['a text'], [17], [{ reason: 'an object', list: [1, 2] }], [null]])(
    'a value arrives: %j',
    async (value) => {
      expect(await reasonAfter((controller) => controller.abort(value))).toEqual(value);
    },
  );

  test.each([
    ['abort() without one', undefined],
    ['an AbortError of its own', new DOMException('the user has left', 'AbortError')],
  ])('%s gives an AbortError', async (_what, value) => {
    const reason = (await reasonAfter((controller) => controller.abort(value))) as DOMException;
    expect(reason).toBeInstanceOf(DOMException);
    expect(reason.name).toBe('AbortError');
    expect(reason.message).toBe(((value ?? AbortSignal.abort().reason) as DOMException).message);
  });

  test('the next task has a reason of its own', async () => {
    await reasonAfter((controller) => controller.abort('first'));
    signals = [];
    expect(await reasonAfter((controller) => controller.abort('second'))).toBe('second');
  });
});

describe('a reason that cannot be copied', () => {
  test('is left out, and the call is abandoned all the same', async () => {
    const owner = new Owner();
    const remote = TaskManager.connect(owner.manager.handle);
    let signal: AbortSignal | undefined;
    owner.manager.define('wait', (_payload, context) => {
      signal = context.signal;
      return new Promise<void>(() => {});
    });
    const controller = new AbortController();
    const call = remote.call('wait', undefined, { signal: controller.signal });
    await until(() => signal !== undefined, 'the task to begin');
    const reason = until;
    controller.abort(reason);
    // The caller has the very reason.
    await expect(call).rejects.toBe(reason);
    await until(() => signal?.aborted === true, 'the signal of the handler to be aborted');
    expect(String(signal?.reason)).not.toBe('');
  });
});
