/** A pool of workers: what piscina's own tests ask for, and what only this one promises. */

import { AsyncLocalStorage } from 'node:async_hooks';

import { describe, expect, test } from '@jest/globals';

import { WaitableEvent } from 'waitable-event';
import { TaskPool } from 'waitable-event/pool';

import { startScript } from '../support/child';
import { MODULE, makeSharedWords, rejection, startPool, within } from '../support/pool';
import { until } from '../support/threads';

/** Ends when the task holds its worker. */
async function running(pool: TaskPool, count: number): Promise<void> {
  await until(
    () => pool.stats().running === count,
    () => `${count} running tasks: ${JSON.stringify(pool.stats())}`,
  );
}

describe('tasks', () => {
  test('have results and errors, whole', async () => {
    const pool = startPool({ size: 2 });
    expect(await within(Promise.all([1, 2, 3].map((value) => pool.run('add', [value, 1]))), 'sums')).toEqual([2, 3, 4]);
    expect(await rejection(pool.run('fail', 'why'))).toMatchObject({
      name: 'RangeError',
      message: 'why',
      detail: { a: 1 },
      stack: expect.stringContaining('task-pool.test.ts'),
    });
    expect(await rejection(pool.run('unknown'))).toMatchObject({ code: 'ERR_UNKNOWN_TASK' });
    expect(pool.stats()).toMatchObject({ completed: 3, failed: 2, queued: 0, running: 0 });
  });

  test('move what they transfer', async () => {
    const buffer = new ArrayBuffer(100);
    expect(await within(startPool({ size: 1 }).run('size', buffer, { transfer: [buffer] }), 'the size')).toBe(100);
    expect(buffer.byteLength).toBe(0);
  });

  test('go to the worker that has the least to do', async () => {
    const pool = startPool({ size: 2, minSize: 2 });
    const events = [new WaitableEvent(), new WaitableEvent()];
    await within(Promise.all([pool.run('thread'), pool.run('thread')]), 'the start');
    await until(
      () => pool.stats().size === 2,
      () => 'two workers',
    );
    const held = events.map(({ handle }) => pool.run('hold', handle));
    await until(
      () => pool.stats().busy === 2,
      () => `two busy workers: ${JSON.stringify(pool.stats())}`,
    );
    events.forEach((event) => event.set());
    expect(await within(Promise.all(held), 'the tasks')).toEqual(['held', 'held']);
  });

  test('that wait run by priority', async () => {
    const pool = startPool({ size: 1 });
    const event = new WaitableEvent();
    const order: number[] = [];
    const held = pool.run('hold', event.handle);
    await running(pool, 1);
    const rest = [3, 1, 2, 1].map(async (priority) => {
      await pool.run('add', [0, 0], { priority });
      order.push(priority);
    });
    expect(pool.stats().queued).toBe(4);
    event.set();
    await within(Promise.all([held, ...rest]), 'the tasks');
    expect(order).toEqual([1, 1, 2, 3]);
  });

  test('keep their async context', async () => {
    const pool = startPool({ size: 1 });
    const storage = new AsyncLocalStorage<number>();
    const seen = [1, 2, 3].map((value) =>
      storage.run(value, async () => {
        await pool.run('add', [0, 0]);
        return storage.getStore();
      }),
    );
    expect(await within(Promise.all(seen), 'the tasks')).toEqual([1, 2, 3]);
  });
});

describe('an abort', () => {
  test('before the task, and while it waits', async () => {
    const pool = startPool({ size: 1 });
    expect(await rejection(pool.run('add', [1, 2], { signal: AbortSignal.abort('early') }))).toBe('early');
    const event = new WaitableEvent();
    const words = makeSharedWords();
    const held = pool.run('hold', event.handle);
    await running(pool, 1);
    const controller = new AbortController();
    const waiting = pool.run('mark', words, { signal: controller.signal });
    controller.abort('now');
    expect(await rejection(waiting)).toBe('now');
    event.set();
    await within(held, 'the first task');
    await within(pool.close(), 'the end');
    expect(words[0]).toBe(0);
  });

  test('while it runs tells the handler', async () => {
    const pool = startPool({ size: 1 });
    const words = makeSharedWords();
    const controller = new AbortController();
    const task = pool.run('untilAborted', words, { signal: controller.signal });
    await until(
      () => Atomics.load(words, 1) === 1,
      () => 'the handler',
    );
    controller.abort('now');
    expect(await rejection(task)).toBe('now');
    await until(
      () => Atomics.load(words, 0) === 1,
      () => 'the abort in the handler',
    );
    expect(pool.stats().failedWorkers).toBe(0);
  });

  test('ends a worker that its handler blocks', async () => {
    const pool = startPool({ size: 1, abortTimeout: 10 });
    const controller = new AbortController();
    const words = makeSharedWords();
    const task = pool.run('block', words, { signal: controller.signal });
    await until(
      () => Atomics.load(words, 1) === 1,
      () => 'the handler',
    );
    controller.abort('now');
    expect(await rejection(task)).toBe('now');
    expect(await within(pool.run('add', [1, 2]), 'another worker')).toBe(3);
    expect(pool.stats().failedWorkers).toBe(1);
  });

  test('by a timeout does the same', async () => {
    const pool = startPool({ size: 1, abortTimeout: 10 });
    await within(pool.run('thread'), 'the start');
    expect(await rejection(pool.run('block', makeSharedWords(), { timeout: 10 }))).toMatchObject({
      code: 'ERR_CALL_TIMEOUT',
    });
    expect(await within(pool.run('add', [1, 2]), 'another worker')).toBe(3);
  });
});

describe('a worker that ends', () => {
  test.each([
    ['by itself', 'exit', 3, undefined],
    ['by an uncaught error', 'throwLater', undefined, { name: 'TypeError', message: 'uncaught' }],
    ['by its resource limits', 'fill', undefined, { code: 'ERR_WORKER_OUT_OF_MEMORY' }],
  ])('%s is replaced', async (_how, name, payload, cause) => {
    const pool = startPool({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const expected = cause === undefined ? {} : { cause };
    expect(await rejection(pool.run(name, payload))).toMatchObject({ code: 'ERR_WORKER_FAILED', ...expected });
    expect(await within(pool.run('add', [1, 2]), 'another worker')).toBe(3);
    expect(pool.stats()).toMatchObject({ failedWorkers: 1, size: 1 });
  });

  test('before it serves rejects what waits', async () => {
    const pool = startPool({ size: 2 }, '/not/there.js');
    const tasks = [1, 2, 3].map((value) => rejection(pool.run('add', [value, 0])));
    expect(await Promise.all(tasks)).toEqual(
      [1, 2, 3].map(() => expect.objectContaining({ code: 'ERR_MODULE_NOT_FOUND' })),
    );
  });
});

describe('the size', () => {
  test('grows when it is needed, and shrinks', async () => {
    const pool = startPool({ size: 2, minSize: 0, idleTimeout: 0 });
    expect(pool.stats().size).toBe(0);
    expect(await within(pool.run('add', [1, 2]), 'the sum')).toBe(3);
    await until(
      () => pool.stats().size === 0,
      () => 'no worker',
    );
    expect(pool.stats().failedWorkers).toBe(0);
  });

  test('bounds what waits', async () => {
    const pool = startPool({ size: 1, capacity: 2 });
    const event = new WaitableEvent();
    const held = pool.run('hold', event.handle);
    await running(pool, 1);
    const first = pool.run('add', [1, 0]);
    expect(pool.needsDrain).toBe(false);
    const second = pool.run('add', [2, 0]);
    expect(pool.needsDrain).toBe(true);
    expect(await rejection(pool.run('add', [3, 0]))).toMatchObject({ code: 'ERR_QUEUE_FULL' });
    const drained = pool.drained();
    event.set();
    await within(drained, 'the room');
    expect(pool.needsDrain).toBe(false);
    expect(await within(Promise.all([held, first, second]), 'the tasks')).toEqual(['held', 1, 2]);
    await pool.drained();
  });

  test('of invalid options is refused', () => {
    const refused = expect.objectContaining({ code: expect.stringMatching(/^ERR_INVALID_ARG_/) });
    for (const options of [{ size: 0 }, { size: 1, minSize: 2 }, { capacity: -1 }, { idleTimeout: NaN }]) {
      expect(() => new TaskPool(MODULE, options)).toThrow(refused);
    }
  });
});

describe('the end', () => {
  test('waits for the tasks, and refuses others', async () => {
    const pool = startPool({ size: 1 });
    const sums = [1, 2, 3].map((value) => pool.run('add', [value, 0]));
    const closing = pool.close();
    expect(await rejection(pool.run('add', [1, 2]))).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(await within(Promise.all(sums), 'the sums')).toEqual([1, 2, 3]);
    await within(closing, 'the end');
    expect(pool.stats()).toMatchObject({ completed: 3, queued: 0, running: 0 });
    await pool[Symbol.asyncDispose]();
  });

  test('by destroy() waits for nothing', async () => {
    const pool = startPool({ size: 1 });
    const tasks = [1, 2].map(() => rejection(pool.run('block', makeSharedWords())));
    await running(pool, 1);
    await within(pool.destroy(), 'the end');
    expect(await Promise.all(tasks)).toEqual([1, 2].map(() => expect.objectContaining({ code: 'ERR_POOL_CLOSED' })));
  });

  test('of the program needs no close()', async () => {
    const { code, stdout, stderr } = await startScript('pool/nested-pools.js', []).ended;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '10\n', stderr: '' });
  });
});
