/** Who blocks for room, who is told instead, and what happens to two threads that block for each other. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager, type TaskManagerOptions } from 'waitable-event';

import { runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';
import { codeOf, rejectionOf } from '../support/outcomes';
import { Owner, Producer, RemoteOwner } from '../support/remote/task-managers';
import { until } from '../support/threads';
import { rounds, within } from '../support/timing';

const MEGABYTE = 1 << 20;

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

/** The loop stands still but for the passes that the test makes. */
function makeOwner(options: Omit<TaskManagerOptions, 'loop'>): Owner {
  return new Owner({ loop: new RunLoop(), ...options });
}

/** Makes passes until `promise` is settled. */
async function settle<T>(owner: Owner, promise: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const over = (): void => {
    state.isOver = true;
  };
  promise.then(over, over);
  await until(() => {
    owner.loop.runOnce();
    return state.isOver;
  }, 'what was sent');
  return promise;
}

describe('a full queue', () => {
  test('where neither side chose, the main thread is told', async () => {
    const [, handle] = await RemoteOwner.start('sleep', { capacity: 4 });
    expect(handle.onFull).toBeUndefined();
    const remote = TaskManager.connect(handle);
    finallyDo(() => remote.close());
    const codes = range(0, 5).map((index) => codeOf(() => remote.schedule('log', index)));
    // The name takes a place too.
    expect(codes).toEqual([undefined, undefined, undefined, 'ERR_QUEUE_FULL', 'ERR_QUEUE_FULL']);
  });

  test('where neither side chose, a worker blocks', async () => {
    const owner = makeOwner({ capacity: 4 });
    const producer = new Producer(owner.manager.handle);
    const done = producer.do('count', 'log', 8);
    await settle(owner, done);
    await settle(owner, owner.logged(8));
    expect(owner.log).toEqual(range(0, 8));
  });

  test('the choice of the producer counts, whatever the manager chose', async () => {
    const owner = makeOwner({ capacity: 4, onFull: 'block' });
    const producer = new Producer(owner.manager.handle, { connect: false });
    await producer.do('connect', owner.manager.handle, { onFull: 'throw' });
    expect(await producer.do('fill', 'log')).toBe(3);
    const refusing = makeOwner({ capacity: 4, onFull: 'throw' });
    await producer.do('connect', refusing.manager.handle, { onFull: 'block' });
    await settle(refusing, producer.do('count', 'log', 8));
    await settle(refusing, refusing.logged(8));
    expect(codeOf(() => TaskManager.connect(owner.manager.handle, { onFull: 'drop' as 'throw' }))).toBe(
      'ERR_INVALID_ARG_VALUE',
    );
  });

  test('call() waits for room in its promise, in its order, and a timeout ends that', async () => {
    const owner = makeOwner({ capacity: 2 });
    const remote = TaskManager.connect(owner.manager.handle);
    finallyDo(() => remote.close());
    owner.manager.define('count', (payload) => owner.log.push(payload));
    const calls = range(0, 100).map((index) => remote.call('count', index));
    const late = rejectionOf(remote.call('count', 'late', { timeout: 1 }));
    expect(codeOf(() => remote.schedule('count', 'refused'))).toBe('ERR_QUEUE_FULL');
    expect(remote.pending).toBe(101);
    expect(await within(late, 'the timeout')).toBe('ERR_CALL_TIMEOUT');
    const last = remote.call('count', 'last');
    await settle(owner, Promise.all([...calls, last]));
    expect(owner.log).toEqual([...range(0, 100), 'last']);
    expect(remote.pending).toBe(0);
  });

  test('what call() keeps is what the payload was', async () => {
    const owner = makeOwner({ capacity: 2 });
    const remote = TaskManager.connect(owner.manager.handle);
    finallyDo(() => remote.close());
    const bytes = new Uint8Array([1, 2]);
    const object = { shared: new SharedArrayBuffer(1), number: 1 };
    const calls = [remote.call('log', 0), remote.call('log', bytes), remote.call('log', object)];
    bytes.fill(9);
    object.number = 9;
    expect(await rejectionOf(remote.call('log', () => {}))).toBe(25);
    await settle(owner, Promise.all(calls));
    expect(owner.log).toEqual([0, new Uint8Array([1, 2]), { shared: object.shared, number: 1 }]);
  });

  test('a call with a payload longer than the queue ends with its timeout, and the next ones go through', async () => {
    const owner = makeOwner({ capacity: 4 });
    const remote = TaskManager.connect(owner.manager.handle);
    finallyDo(() => remote.close());
    const large = new Uint8Array(5 * MEGABYTE);
    expect(await within(rejectionOf(remote.call('log', large, { timeout: 5 })), 'the timeout')).toBe(
      'ERR_CALL_TIMEOUT',
    );
    const producer = new Producer(owner.manager.handle);
    for (const way of ['call', 'callSync']) {
      expect((await producer.fails(way, 'log', large, { timeout: 5 })).code).toBe('ERR_CALL_TIMEOUT');
    }
    await settle(owner, Promise.all([remote.call('log', 1), producer.do('callSync', 'log', large)]));
    expect(owner.log).toHaveLength(2);
    expect(owner.manager.stats().incomplete).toBe(0);
  });
});

describe('drained()', () => {
  test('resolves when everything is read that was sent before', async () => {
    const owner = makeOwner({ capacity: 4 });
    const remote = TaskManager.connect(owner.manager.handle);
    await within(remote.drained(), 'an empty queue');
    const sent: number[] = [];
    const left: number[] = [];
    const feed = async (): Promise<void> => {
      for (let index = 0; index < 20; index += 1) {
        if (codeOf(() => remote.schedule('log', index)) === 'ERR_QUEUE_FULL') {
          await remote.drained();
          left.push(remote.pending);
          remote.schedule('log', index);
        }
        sent.push(index);
      }
      await remote.drained();
    };
    await settle(owner, feed());
    expect(owner.log).toEqual(sent);
    expect(new Set(left)).toEqual(new Set([0]));
    expect([remote.pending, remote.closed]).toEqual([0, false]);
    remote.schedule('log', 20);
    expect(remote.pending).toBe(1);
    const end = rejectionOf(remote.drained());
    owner.manager.close();
    expect(await within(end, 'the end')).toBe('ERR_TASK_MANAGER_CLOSED');
    expect([remote.pending, remote.closed]).toEqual([0, true]);
    expect(await rejectionOf(remote.drained())).toBe('ERR_TASK_MANAGER_CLOSED');
  });

  test('rejects when the connection is closed, and call() with it', async () => {
    const owner = makeOwner({ capacity: 2 });
    const remote = TaskManager.connect(owner.manager.handle);
    const outcomes = [1, 2, 3].map((index) => rejectionOf(remote.call('log', index)));
    outcomes.push(rejectionOf(remote.drained()));
    remote.close();
    expect(await within(Promise.all(outcomes), 'the end')).toEqual(Array(4).fill('ERR_TASK_MANAGER_CLOSED'));
    expect(remote.closed).toBe(true);
  });
});

describe('two threads that block for each other', () => {
  test('in callSync(): both are told, and go on', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    const handle = await producer.do<typeof owner.manager.handle>('own');
    const remote = TaskManager.connect(handle);
    finallyDo(() => remote.close());
    for (const round of rounds(500)) {
      expect(codeOf(() => remote.callSync('block'))).toBe('ERR_WOULD_DEADLOCK');
      expect(remote.callSync('echo', round)).toBe(round);
    }
    expect(await rejectionOf(remote.call('block', undefined, { timeout: 10_000 }))).toBeUndefined();
    expect(await within(producer.do('callSync', 'echo', 1), 'the worker')).toBe(1);
  });

  test('one for room, the other for a reply', async () => {
    const owner = new Owner({ capacity: 4, onFull: 'block' });
    const producer = new Producer(owner.manager.handle);
    const handle = await producer.do<typeof owner.manager.handle>('own');
    const remote = TaskManager.connect(handle);
    finallyDo(() => remote.close());
    const flood = producer.fails('flood', 'log', undefined);
    await producer.reached(1);
    // The worker blocks in schedule() now or soon, and never gets to run its manager.
    expect(codeOf(() => remote.callSync('echo', 1))).toBe('ERR_WOULD_DEADLOCK');
    expect((await flood).code).toBe('ERR_WOULD_DEADLOCK');
    expect(remote.callSync('echo', 2)).toBe(2);
  });

  test('a reply that is on its way is no deadlock', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    const handle = await producer.do<typeof owner.manager.handle>('own');
    const remote = TaskManager.connect(handle);
    finallyDo(() => remote.close());
    // Between the reply to the worker and this thread's own call it has no chance to read the reply.
    owner.manager.define('reply and call', () => {
      setImmediate(() => owner.log.push(codeOf(() => remote.callSync('echo', 7)) ?? 'done'));
      return 5;
    });
    for (const round of rounds(200)) {
      expect(await producer.do('callSync', 'reply and call')).toBe(5);
      await owner.logged(round + 1);
    }
    expect(new Set(owner.log)).toEqual(new Set(['done']));
  });
});

test('a main thread that blocks for more than a second warns once', async () => {
  const source = `
    const { Worker } = require('node:worker_threads');
    const { TaskManager } = require('waitable-event');
    const worker = new Worker(\`
      const { parentPort } = require('node:worker_threads');
      const { TaskManager, core } = require('waitable-event');
      const manager = new TaskManager();
      manager.define('slow', (time) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time));
      parentPort.postMessage(manager.handle);
      core.run();
    \`, { eval: true });
    const codes = [];
    process.on('warning', ({ code }) => codes.push(code));
    worker.once('message', async (handle) => {
      const remote = TaskManager.connect(handle);
      // On a busy machine this thread may notice its second of sleep only when the answer is there.
      for (let time = 1300; codes.length === 0 && time < 20_000; time *= 2) {
        remote.callSync('slow', time);
        await new Promise(setImmediate);
      }
      remote.callSync('slow', 1300);
      await new Promise(setImmediate);
      console.log(JSON.stringify(codes));
      process.exit();
    });
  `;
  expect(JSON.parse((await runScript({ source })).stdout)).toEqual(['WAITABLE_EVENT_BLOCKED']);
});
