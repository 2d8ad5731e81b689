/** The queue between a producer and a manager: it is bounded, and nothing in it is lost. */

import { BroadcastChannel } from 'node:worker_threads';

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';
import { Owner, Producer } from '../support/remote/task-managers';
import { COUNT, until } from '../support/threads';
import { within } from '../support/timing';

const MEGABYTE = 1 << 20;

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

/** The loop stands still but for the passes that the test makes. */
function makeOwner(onFull: 'block' | 'throw', capacity: number): Owner {
  return new Owner({ loop: new RunLoop(), onFull, capacity });
}

describe("onFull: 'throw'", () => {
  test.each([
    ['plain tasks', undefined, 15],
    ['tasks with a delta', { delta: 0 }, 15],
    // Two records each.
    ['tasks with a priority', { priority: 1 }, 7],
    ['tasks with a due time', { when: 0 }, 7],
  ])(
    'of %s as many as there is room for are taken, the next one throws, and nothing is lost',
    async (_what, options, room) => {
      const { loop, manager, log } = makeOwner('throw', 16);
      const producer = new Producer(manager.handle);
      // The name takes a place too, the first time.
      expect(await producer.do('fill', 'log', options)).toBe(room);
      expect(await producer.do('fill', 'log', options)).toBe(0);
      loop.runOnce();
      loop.runOnce();
      expect(log).toEqual(range(0, room));
      const next = await producer.do<number>('fill', 'log', options);
      loop.runOnce();
      loop.runOnce();
      expect(log).toEqual([...range(0, room), ...range(0, next)]);
    },
  );

  test('a name that is new when the queue is full, and a call, are refused like the rest', async () => {
    const { loop, manager, log } = makeOwner('throw', 4);
    const producer = new Producer(manager.handle);
    await producer.do('fill', 'log');
    const codes = await producer.do('refusals', [
      ['schedule', 'another'],
      ['schedule', 'log', 1, { when: 0, priority: 3 }],
      ['call', 'log'],
      ['callSync', 'log'],
      ['call', 'third', 1, { timeout: 10_000 }],
    ]);
    expect(codes).toEqual(Array(5).fill('ERR_QUEUE_FULL'));
    loop.runOnce();
    expect(log).toEqual([0, 1, 2]);
    manager.define('another', () => log.push('another'));
    await producer.do('schedule', 'another');
    loop.runOnce();
    expect(log.at(-1)).toBe('another');
  });

  test('a queue is full of bytes too, and a refused payload leaves nothing in it', async () => {
    const { loop, manager } = makeOwner('throw', 64);
    const producer = new Producer(manager.handle);
    const sizes: number[] = [];
    manager.define('bytes', (bytes: Uint8Array) => {
      expect(bytes.every((byte) => byte === (bytes.length & 0xff))).toBe(true);
      sizes.push(bytes.length);
    });
    expect(await producer.do('sizes', 'bytes', [700_001, 600_002, 100_003, 500_004, 1])).toEqual([
      'sent',
      'ERR_QUEUE_FULL',
      'sent',
      'ERR_QUEUE_FULL',
      'sent',
    ]);
    loop.runOnce();
    expect(await producer.do('sizes', 'bytes', [900_005, 900_006], { priority: 1 })).toEqual([
      'sent',
      'ERR_QUEUE_FULL',
    ]);
    loop.runOnce();
    expect(sizes).toEqual([700_001, 100_003, 1, 900_005]);
  });

  test('a refused payload is not left in the message channel either', async () => {
    const { loop, manager, log } = makeOwner('throw', 4);
    const messages: object[] = [];
    const { postMessage } = BroadcastChannel.prototype;
    BroadcastChannel.prototype.postMessage = function post(message: object): void {
      messages.push(message);
      postMessage.call(this, message);
    };
    finallyDo(() => {
      BroadcastChannel.prototype.postMessage = postMessage;
    });
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    range(0, 3).forEach((index) => remote.schedule('log', index));
    const shared = new SharedArrayBuffer(8);
    const refused = [undefined, { priority: 1 }].map((options) =>
      codeOf(() => remote.schedule('log', shared, options)),
    );
    expect(refused).toEqual(['ERR_QUEUE_FULL', 'ERR_QUEUE_FULL']);
    loop.runOnce();
    remote.schedule('log', shared);
    loop.runOnce();
    expect(log).toHaveLength(4);
    expect(messages.filter((message) => 'claim' in message)).toHaveLength(1);
  });

  test('a payload that is longer than the queue goes through while it is emptied', async () => {
    const owner = new Owner({ onFull: 'throw', capacity: 2 });
    const producer = new Producer(owner.manager.handle);
    expect(await producer.do('sizes', 'log', [5 * MEGABYTE + 1])).toEqual(['sent']);
    const [bytes] = (await owner.logged(1)) as [Uint8Array];
    expect([bytes.length, bytes.every((byte) => byte === 1)]).toEqual([5 * MEGABYTE + 1, true]);
  });
});

test.each(['block', 'throw'] as const)(
  "onFull '%s': names and keys that are longer than a record go through",
  async (onFull) => {
    const owner = new Owner({ onFull, capacity: 16 });
    const producer = new Producer(owner.manager.handle);
    const name = 'ä'.repeat(MEGABYTE);
    owner.manager.define(name, (payload) => owner.log.push(payload));
    await producer.do('schedule', name, 1);
    await owner.logged(1);
    await producer.do('schedule', name, 2, { key: name, delta: 60_000 });
    // Until the manager has read it, there may be no room for another one.
    await until(() => owner.manager.stats().pending === 1, 'the manager to have the task');
    await producer.do('schedule', name, 3, { key: name, delta: 0 });
    await owner.logged(2);
    expect(owner.log).toEqual([1, 3]);
    expect(owner.manager.stats().pending).toBe(0);
  },
);

describe("onFull: 'block'", () => {
  test('blocks until there is room, and loses nothing', async () => {
    const owner = makeOwner('block', 8);
    const producer = new Producer(owner.manager.handle);
    producer.do('flood', 'log').catch(() => {});
    await producer.blocked();
    // Seven in the queue, beside the name.
    expect(producer.words[COUNT]).toBe(7);
    owner.loop.runOnce();
    expect(owner.log).toHaveLength(7);
    await until(() => producer.words[COUNT] === 15, 'the next eight');
    await producer.blocked();
    expect(producer.words[COUNT]).toBe(15);
  });

  test('a queue of two carries everything in order', async () => {
    const owner = new Owner({ capacity: 2 });
    const producer = new Producer(owner.manager.handle);
    await producer.do('count', 'log', 5000);
    expect(await owner.logged(5000)).toEqual(range(0, 5000));
  });

  test('throws in the thread of the manager, where it would block forever', async () => {
    const { loop, manager, log } = makeOwner('block', 4);
    const remote = TaskManager.connect(manager.handle);
    const codes = range(0, 5).map((index) => codeOf(() => remote.schedule('log', index)));
    expect(codes).toEqual([undefined, undefined, undefined, 'ERR_WOULD_DEADLOCK', 'ERR_WOULD_DEADLOCK']);
    loop.runOnce();
    remote.schedule('log', 5);
    loop.runOnce();
    expect(log).toEqual([0, 1, 2, 5]);
    remote.close();
  });

  test('a task that was refused there in the middle leaves nothing behind for those that come after it', async () => {
    const { loop, manager, log } = makeOwner('block', 4);
    const remote = TaskManager.connect(manager.handle);
    expect(codeOf(() => remote.schedule('log', new Uint8Array(3 * MEGABYTE)))).toBe('ERR_WOULD_DEADLOCK');
    loop.runOnce();
    remote.schedule('log', Uint8Array.of(1, 2, 3));
    loop.runOnce();
    expect(log.splice(0)).toEqual([Uint8Array.of(1, 2, 3)]);
    range(0, 3).forEach((index) => remote.schedule('log', index));
    // There is room for its options.
    expect(codeOf(() => remote.schedule('log', 3, { when: Date.now() + 3_600_000 }))).toBe('ERR_WOULD_DEADLOCK');
    loop.runOnce();
    remote.schedule('log', 4);
    remote.schedule('log', { large: 'x'.repeat(MEGABYTE / 2) });
    loop.runOnce();
    expect(log).toEqual([0, 1, 2, 4, { large: 'x'.repeat(MEGABYTE / 2) }]);
    remote.close();
  });
});

describe('several producers', () => {
  test('are read alternately: one that floods the manager does not delay another one', async () => {
    const owner = new Owner();
    let flooded = 0;
    owner.manager.define('flood', () => {
      flooded += 1;
    });
    const flooder = new Producer(owner.manager.handle);
    const producer = new Producer(owner.manager.handle);
    flooder.do('flood', 'flood').catch(() => {});
    await until(() => flooded > 10_000, 'the flood');
    const results = await producer.do('echo', 'callSync', range(0, 200));
    expect(results).toEqual(range(0, 200));
    const before = flooded;
    await until(() => flooded > before, 'the flood to go on');
    await flooder.terminate();
  });

  test('do not starve timers and promises of the thread of the manager', async () => {
    const owner = new Owner();
    owner.manager.define('flood', () => {});
    const flooder = new Producer(owner.manager.handle);
    flooder.do('flood', 'flood').catch(() => {});
    await flooder.reached(1);
    let timers = 0;
    while (timers < 20) {
      await within(
        new Promise((resolve) => {
          setTimeout(resolve, 1);
        }),
        'a timer',
      );
      timers += 1;
    }
    expect(timers).toBe(20);
    await flooder.terminate();
  });

  test('wake the manager once for however many tasks', async () => {
    const owner = makeOwner('block', 4096);
    const producer = new Producer(owner.manager.handle);
    await producer.do('count', 'log', 1000);
    const ended = owner.loop.run();
    await owner.logged(1000);
    expect(owner.manager.stats().wakeUps).toBeLessThanOrEqual(2);
    expect(owner.manager.stats().wakeUpsSaved).toBeGreaterThanOrEqual(998);
    owner.loop.stop();
    await within(ended, 'the end of the loop');
  });
});

describe('options', () => {
  test.each([0, 1, -4, 1.5, NaN, 2 ** 20 + 1, '16', null])('a capacity of %p is refused', (capacity) => {
    expect(codeOf(() => new TaskManager({ capacity: capacity as number }))).toMatch(/^ERR_INVALID_ARG_(TYPE|VALUE)$/);
  });

  test.each(['drop', '', 5, null])('onFull %p is refused', (onFull) => {
    expect(codeOf(() => new TaskManager({ onFull: onFull as 'block' }))).toMatch(/^ERR_INVALID_ARG_(TYPE|VALUE)$/);
  });

  test('a loop that is none, and an onError that is none, are refused', () => {
    expect(codeOf(() => new TaskManager({ loop: {} as RunLoop }))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new TaskManager({ onError: 5 as never }))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => new TaskManager(5 as never))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('a capacity is rounded up to a power of two', () => {
    const { manager } = makeOwner('block', 1000);
    expect(manager.handle.capacity).toBe(1024);
  });
});
