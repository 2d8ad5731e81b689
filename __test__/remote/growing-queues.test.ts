/** Queues begin small, and become larger when they are full, or too small for a payload. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { makeRandom } from '../support/random';
import { Owner, Producer } from '../support/remote/task-managers';

const CAPACITY = 1024;

function connect(manager: TaskManager, onFull?: 'throw'): ReturnType<typeof TaskManager.connect> {
  const remote = TaskManager.connect(manager.handle, { onFull });
  finallyDo(() => remote.close());
  return remote;
}

test('as many records wait as the capacity says, and all of them arrive in their order', () => {
  const { loop, manager, log } = new Owner({ loop: new RunLoop(), capacity: CAPACITY });
  const remote = connect(manager, 'throw');
  for (let round = 0; round < 3; round += 1) {
    // The first task of a name sends the name before it.
    const room = round === 0 ? CAPACITY - 1 : CAPACITY;
    for (let index = 0; index < room; index += 1) {
      remote.schedule('log', index);
    }
    expect(remote.pending).toBe(room);
    expect(() => remote.schedule('log', -1)).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }));
    loop.runOnce();
    expect(log.splice(0)).toEqual(Array.from({ length: room }, (_, index) => index));
  }
});

test('a task that waits in the first part is cancelled by a record in the larger one', async () => {
  const { loop, manager, log } = new Owner({ loop: new RunLoop(), capacity: CAPACITY });
  const remote = connect(manager);
  const first = remote.schedule('log', 'first');
  remote.schedule('log', 'old', { key: 'k' });
  for (let index = 0; index < 500; index += 1) {
    remote.schedule('log', index);
  }
  const outcome = first.cancel();
  remote.schedule('log', 'new', { key: 'k' });
  loop.runOnce();
  expect(await outcome).toBe('cancelled');
  loop.runOnce();
  expect([log.includes('first'), log.includes('old'), log.at(-1), log.length]).toEqual([false, false, 'new', 501]);
});

test('tasks that still wait when the manager is closed are counted', () => {
  const { manager } = new Owner({ loop: new RunLoop(), capacity: CAPACITY });
  const remote = connect(manager);
  for (let index = 0; index < 700; index += 1) {
    remote.schedule('log', index);
  }
  manager.close();
  expect(manager.stats().dropped).toBe(700);
});

describe('payloads of all sizes', () => {
  test('arrive, whatever the queue had room for before', async () => {
    const owner = new Owner();
    const next = makeRandom(20_262);
    for (let round = 0; round < 10; round += 1) {
      const remote = connect(owner.manager);
      const payloads: unknown[] = Array.from({ length: 40 }, (_, index) => {
        const size = Math.floor(10 ** (next() * 4.7));
        const text = String.fromCharCode(97 + index).repeat(size);
        return [text, { text, index }, new Uint8Array(size).fill(index), index, new Map([[index, text]])][index % 5];
      });
      expect(await Promise.all(payloads.map((payload) => remote.call('echo', payload)))).toEqual(payloads);
    }
  });

  test('a result that is larger than the first answers arrives in a blocked thread', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    for (const size of [10, 50_000, 10, 3_000_000, 10]) {
      const bytes = new Uint8Array(size).fill(7);
      // Not toEqual(): that takes seconds for millions of bytes.
      expect(Buffer.compare(await producer.do<Uint8Array>('callSync', 'echo', bytes), bytes)).toBe(0);
    }
  });

  test('many answers at once wait for a thread that reads none', async () => {
    const owner = new Owner();
    const remote = connect(owner.manager);
    const calls = Array.from({ length: 2000 }, (_, index) => remote.call('echo', { index }));
    const cancelled = Array.from({ length: 300 }, () => remote.schedule('log', 1, { delta: 1e6 }).cancel());
    expect(await Promise.all(calls)).toEqual(calls.map((_, index) => ({ index })));
    expect(new Set(await Promise.all(cancelled))).toEqual(new Set(['cancelled']));
  });
});
