/** call(): signals, timeouts and calls that are pending together. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { rejectionOf } from '../support/outcomes';
import { Owner, Producer } from '../support/remote/task-managers';
import { until } from '../support/threads';
import { within } from '../support/timing';

describe('call()', () => {
  let owner: Owner;
  let producer: Producer;

  beforeEach(() => {
    owner = new Owner();
    producer = new Producer(owner.manager.handle);
  });

  test('answers many calls that are pending together, each with its own result', async () => {
    owner.manager.define('shuffled', async (value: number) => {
      for (let turns = (value * 7) % 5; turns > 0; turns -= 1) {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
      return value;
    });
    const remote = TaskManager.connect(owner.manager.handle);
    const calls = Array.from({ length: 2000 }, (_, index) => remote.call('shuffled', index));
    expect(await within(Promise.all(calls), 'the calls')).toEqual(calls.map((_, index) => index));
    remote.close();
  });

  test('is rejected with the reason of its signal, and the signal of the handler is aborted', async () => {
    let signal: AbortSignal | undefined;
    owner.manager.define('slow', (_payload, context) => {
      ({ signal } = context);
      return new Promise(() => {});
    });
    await producer.do('begin', 'slow');
    await until(() => signal !== undefined, 'the handler to begin');
    await producer.do('abort', { name: 'why', message: 'not' });
    expect(await producer.fails('finish')).toMatchObject({ name: 'why', message: 'not' });
    await until(() => signal?.aborted === true, 'the signal of the handler to be aborted');
  });

  test('is rejected immediately if its signal is aborted, and nothing is scheduled', async () => {
    const remote = TaskManager.connect(owner.manager.handle);
    const reason = new Error('reason');
    await expect(remote.call('log', 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await within(remote.call('echo'), 'a call');
    expect(owner.log).toEqual([]);
    remote.close();
  });

  test('gets what the manager has answered before it was closed', async () => {
    // The manager is in this thread, and closes before the loop of this thread can learn of the answer.
    const loop = new RunLoop();
    const manager = new TaskManager({ loop });
    manager.define('last', (value) => value);
    const remote = TaskManager.connect(manager.handle);
    const answered = remote.call('last', 'words');
    const late = remote.call('never', 'defined');
    loop.runOnce();
    manager.close();
    expect(await within(answered, 'the answer')).toBe('words');
    await expect(within(late, 'the error')).rejects.toMatchObject({ code: 'ERR_UNKNOWN_TASK' });
    loop.close();
  });

  test('leaves no listener on its signal', async () => {
    const remote = TaskManager.connect(owner.manager.handle);
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: unknown[]) => {
      listeners += 1;
      Reflect.apply(addEventListener, signal, args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      listeners -= 1;
      Reflect.apply(removeEventListener, signal, args);
    };
    await within(remote.call('echo', 1, { signal, timeout: 20_000 }), 'a call');
    await rejectionOf(remote.call('unknown', 1, { signal }));
    expect(listeners).toBe(0);
    remote.close();
  });

  test('is allowed in the thread of the manager', async () => {
    const remote = TaskManager.connect(owner.manager.handle);
    expect(await within(remote.call('echo', { own: 1 }), 'a call')).toEqual({ own: 1 });
    remote.close();
  });

  test('is rejected when the connection is closed while it is pending', async () => {
    const remote = TaskManager.connect(owner.manager.handle);
    owner.manager.define('never', () => new Promise(() => {}));
    const calls = [remote.call('never'), remote.call('never', 1, { timeout: 10_000 })];
    remote.close();
    expect(await Promise.all(calls.map(rejectionOf))).toEqual(['ERR_TASK_MANAGER_CLOSED', 'ERR_TASK_MANAGER_CLOSED']);
  });

  test('that is pending keeps the thread alive, and one that is over does not', async () => {
    const ends: ((value: string) => void)[] = [];
    owner.manager.define('slow', () => new Promise<string>((resolve) => ends.push(resolve)));
    const worker = new Producer(owner.manager.handle);
    await worker.do('begin', 'slow');
    worker.worker.postMessage({ number: -1, action: 'lookAway', args: [] });
    await worker.reached(4);
    // With nothing else to do, it waits for its call.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(worker.failure).toBeUndefined();
    await until(() => ends.length === 1, 'the handler to begin');
    ends[0]?.('over');
    expect(await within(worker.exit, 'the end of the worker')).toBe(0);
  });
});

test('an abort while the queue is full reaches its handler when there is room, also after another call timed out', async () => {
  const owner = new Owner({ loop: new RunLoop(), capacity: 4 });
  const signals: AbortSignal[] = [];
  owner.manager.define('hang', async (_, { signal }) => {
    signals.push(signal);
    await new Promise(() => {});
  });
  const producer = new Producer(owner.manager.handle);
  await producer.do('begin', 'hang');
  owner.loop.runOnce();
  // Full, with the name.
  await producer.do('count', 'log', 3);
  await producer.do('abort', 'enough');
  expect((await producer.fails('call', 'log', 3, { timeout: 5 })).code).toBe('ERR_CALL_TIMEOUT');
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  await until(() => {
    owner.loop.runOnce();
    return signals[0]?.aborted === true;
  }, 'the handler to be told');
});
