/** What the diagnostics channels tell of tasks, and what their subscribers send along. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { threadId } from 'node:worker_threads';

import { beforeEach, describe, expect, test } from '@jest/globals';
import { FunctionTask, TaskManager, type TaskSendMessage, type TaskTraceMessage } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { rejectionOf } from '../support/outcomes';
import { startPool } from '../support/pool';
import { Owner, Producer } from '../support/remote/task-managers';
import { within } from '../support/timing';

const channel = tracingChannel<unknown, TaskTraceMessage>('waitable-event:task');

/** What was published, in this order. */
type Published = [event: string, message: TaskTraceMessage][];

/** Subscribes to some of the events until the test is over. */
function record(...events: ('start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error')[]): Published {
  const published: Published = [];
  for (const event of events) {
    const listener = (message: unknown): void => void published.push([event, message as TaskTraceMessage]);
    channel[event].subscribe(listener);
    finallyDo(() => channel[event].unsubscribe(listener));
  }
  return published;
}

const recordAll = (): Published => record('start', 'end', 'asyncStart', 'asyncEnd', 'error');

/** Sends something along with each task of this thread until the test is over. */
function carry(fill: (message: TaskSendMessage) => void): void {
  const listener = (message: unknown): void => fill(message as TaskSendMessage);
  subscribe('waitable-event:task:send', listener);
  finallyDo(() => unsubscribe('waitable-event:task:send', listener));
}

let owner: Owner;

beforeEach(() => {
  owner = new Owner();
});

describe('the run of a task', () => {
  test('that another thread has scheduled is published with its id and its thread', async () => {
    const published = recordAll();
    const producer = new Producer(owner.manager.handle);
    const id = await producer.do<number>('schedule', 'log', 1);
    await owner.logged(1);
    const message = {
      name: 'log',
      id,
      thread: producer.worker.threadId,
      due: undefined,
      carrier: undefined,
      result: 1,
    };
    expect(published).toEqual([
      ['start', message],
      ['end', message],
    ]);
    expect(published[0]?.[1]).toBe(published[1]?.[1]);
  });

  test('that has a time is published with it', async () => {
    const published = recordAll();
    const producer = new Producer(owner.manager.handle);
    const before = Date.now();
    await producer.do('schedule', 'log', 1, { delta: 20 });
    await owner.logged(1);
    const due = published[0]?.[1].due as number;
    expect(due).toBeGreaterThanOrEqual(before + 19);
    expect(due).toBeLessThanOrEqual(Date.now() + 1);
  });

  test('that returns a promise is published when that is settled, too', async () => {
    const published = recordAll();
    owner.manager.define('later', async (value: number) => {
      await Promise.resolve();
      if (value < 0) throw new RangeError('negative');
      return value;
    });
    const remote = TaskManager.connect(owner.manager.handle);
    expect(await within(remote.call('later', 5), 'a call')).toBe(5);
    expect(published.map(([event]) => event)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    expect(published[3]?.[1].result).toBe(5);
    published.length = 0;
    await rejectionOf(remote.call('later', -1));
    expect(published.map(([event]) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd']);
    expect(published[2]?.[1].error).toEqual(new RangeError('negative'));
    remote.close();
  });

  test.each([
    ['throws', 'fail'],
    ['has no handler', 'nothing'],
  ])('that %s is published with its error', async (_what, name) => {
    owner.manager.define('fail', () => {
      throw new RangeError('failed');
    });
    const published = recordAll();
    const remote = TaskManager.connect(owner.manager.handle);
    await rejectionOf(remote.call(name));
    expect(published.map(([event]) => event)).toEqual(['start', 'error', 'end']);
    expect(published[1]?.[1].error).toBeInstanceOf(Error);
    remote.close();
  });

  test('of this thread is published: a Task by its class, a named one by its name', async () => {
    const published = record('end');
    const task = new FunctionTask(() => 'done');
    owner.manager.installTask(task, { delta: 0 });
    const { id } = owner.manager.schedule('log', 'named');
    await owner.logged(1);
    expect(published.map(([, message]) => message)).toEqual([
      expect.objectContaining({ name: 'FunctionTask', id: undefined, thread: threadId, result: 'done' }),
      expect.objectContaining({ name: 'log', id, thread: threadId, result: 1 }),
    ]);
  });

  test.each(['end', 'error', 'asyncEnd'] as const)('is published where only %s has a subscriber', async (event) => {
    owner.manager.define('fail', async () => {
      throw new RangeError('failed');
    });
    const published = record(event);
    const remote = TaskManager.connect(owner.manager.handle);
    await rejectionOf(remote.call('fail'));
    expect(published).toHaveLength(1);
    remote.close();
  });

  test('has the store that was bound to start, also after an await', async () => {
    const storage = new AsyncLocalStorage<string>();
    channel.start.bindStore(storage, (message) => `run of ${message.name}`);
    finallyDo(() => channel.start.unbindStore(storage));
    owner.manager.define('stored', async () => {
      await Promise.resolve();
      return storage.getStore();
    });
    const remote = TaskManager.connect(owner.manager.handle);
    expect(await within(remote.call('stored'), 'a call')).toBe('run of stored');
    remote.close();
  });

  test('calls the then() of a result once', async () => {
    recordAll();
    let calls = 0;
    owner.manager.define('thenable', () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- it is what is tested
      then: (resolve: (value: number) => void) => {
        calls += 1;
        resolve(7);
      },
    }));
    const remote = TaskManager.connect(owner.manager.handle);
    expect(await within(remote.call('thenable'), 'a call')).toBe(7);
    expect(calls).toBe(1);
    remote.close();
  });
});

describe('what a subscriber sends along', () => {
  beforeEach(() => {
    owner.manager.define('carried', (_payload, context) => {
      owner.log.push(context.carrier);
      return context.carrier?.['traceparent'];
    });
  });

  test.each([
    ['schedule', []],
    ['schedule', [{ delta: 5 }]],
    ['schedule', [{ key: 'key', priority: 3 }]],
    ['call', []],
    ['call', [{ timeout: 30_000 }]],
    ['callSync', []],
  ])('reaches the handler by %s() %j, and ends with the subscription', async (action, options) => {
    const published = record('start');
    const producer = new Producer(owner.manager.handle);
    await producer.do('carry', { traceparent: '00-1', tracestate: 'ä=1', number: 1 });
    await producer.do(action, 'carried', 'first', ...options);
    // A second task with its key would replace one that has not begun.
    await owner.logged(1);
    await producer.do('carry');
    await producer.do(action, 'carried', 'second', ...options);
    await owner.logged(2);
    expect(owner.log).toEqual([{ traceparent: '00-1', tracestate: 'ä=1' }, undefined]);
    expect(published.map(([, { carrier }]) => carrier)).toEqual(owner.log);
  });

  test('reaches each run of a recurring task', async () => {
    const producer = new Producer(owner.manager.handle);
    await producer.do('carry', { traceparent: '00-1' });
    await producer.do('schedule', 'carried', undefined, { interval: 5 });
    await owner.logged(3);
    await producer.do('cancel');
    expect(owner.log.slice(0, 3)).toEqual([{ traceparent: '00-1' }, { traceparent: '00-1' }, { traceparent: '00-1' }]);
  });

  test('reaches tasks of the own thread', async () => {
    carry(({ name, carrier }) => {
      carrier['traceparent'] = name;
    });
    owner.manager.schedule('carried');
    expect(await owner.logged(1)).toEqual([{ traceparent: 'carried' }]);
  });

  test('reaches calls that wait for room, in the order of the calls', async () => {
    const many = 3000;
    const order: number[] = [];
    owner.manager.define('note', (index: number, context) => {
      order.push(context.carrier?.['index'] === String(index) ? index : -1);
    });
    carry(({ carrier }) => {
      carrier['index'] = String(sent);
      carrier['padding'] = 'x'.repeat(2000);
    });
    let sent = 0;
    const remote = TaskManager.connect(owner.manager.handle);
    const calls = Array.from({ length: many }, () => {
      const call = remote.call('note', sent);
      sent += 1;
      return call;
    });
    await within(Promise.all(calls), 'the calls');
    expect(order).toEqual(Array.from({ length: many }, (_, index) => index));
    remote.close();
  });

  test('is what the caller of pool.run() has, also for a task that has waited', async () => {
    const storage = new AsyncLocalStorage<string>();
    const sent: (string | undefined)[] = [];
    carry(({ name }) => {
      if (name === 'add') sent.push(storage.getStore());
    });
    const pool = startPool({ size: 1 });
    const run = (who: string): Promise<unknown> => storage.run(who, () => pool.run('add', [1, 2]));
    await within(Promise.all(['a', 'b', 'c', 'd'].map(run)), 'the tasks');
    expect(sent).toEqual(['a', 'b', 'c', 'd']);
  });
});
