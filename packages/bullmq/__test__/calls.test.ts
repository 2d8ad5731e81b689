import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { InvalidArgTypeError, TaskCancelledError, UnknownTaskError } from 'waitable-event';

import { joinHere, newQueue } from './support/local-member';
import { type TestServer, describeStores, found, makeServer } from './support/stores';
import { inTime, until } from './support/waiting';

/** How many calls wait at a time. */
const UNDER_WAY = 50;

describeStores('calls', (store) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await makeServer(store).start();
  });
  afterAll(() => server?.stop());

  test('resolve with what the handler returns', async () => {
    const { cluster, close } = await joinHere({ queue: newQueue(), connection: server.url }, (manager) => {
      manager.define('add', ([a, b]: [number, number]) => Promise.resolve(a + b));
      manager.define('nothing', () => undefined);
    });
    expect(await inTime('the sum', cluster.call('add', [1, 2]))).toBe(3);
    expect(await inTime('nothing', cluster.call('nothing'))).toBeUndefined();
    const sums = Array.from({ length: 100 }, (_, i) => cluster.call('add', [i, 1]));
    expect(await inTime('100 sums', Promise.all(sums))).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    await close();
  });

  // BullMQ loses events of PostgreSQL when many tasks end at the same time.
  test('settle also when the event of their end is lost', async () => {
    const { cluster, close } = await joinHere({ queue: newQueue(), connection: server.url }, (manager) => {
      manager.define('echo', (payload) => payload);
    });
    const count = found.kills ? 2000 : 200;
    const answers: unknown[] = [];
    const call = async (from: number): Promise<void> => {
      for (let i = from; i < count; i += UNDER_WAY) answers[i] = await cluster.call('echo', i);
    };
    const calling = Promise.all(Array.from({ length: UNDER_WAY }, (_, from) => call(from)));
    await inTime(`${count} calls`, calling, 300_000);
    expect(answers).toEqual(Array.from({ length: count }, (_, i) => i));
    await close();
  }, 320_000);

  test('reject with what the handler throws', async () => {
    const thrown = Object.assign(new RangeError('out', { cause: new TypeError('why') }), { code: 'E_OUT' });
    const { cluster, close } = await joinHere({ queue: newQueue(), connection: server.url }, (manager) => {
      manager.define('throws', () => {
        throw thrown;
      });
      manager.define('throws text', () => Promise.reject('text'));
      manager.define('throws ours', () => {
        throw new TaskCancelledError('x');
      });
    });
    const error = await inTime(
      'the error',
      cluster.call('throws').catch((reason: unknown) => reason),
    );
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ name: 'RangeError', message: 'out', code: 'E_OUT' });
    expect((error as Error).stack).toContain('calls.test.ts');
    expect((error as Error).cause).toBeInstanceOf(TypeError);
    expect((error as Error).cause).toMatchObject({ message: 'why' });
    await expect(cluster.call('throws text')).rejects.toBe('text');
    await expect(cluster.call('throws ours')).rejects.toBeInstanceOf(TaskCancelledError);
    const unknown = await inTime(
      'the error',
      cluster.call('unknown').catch((reason: unknown) => reason),
    );
    expect(unknown).toBeInstanceOf(UnknownTaskError);
    expect(unknown).toMatchObject({ code: 'ERR_UNKNOWN_TASK' });
    await expect(cluster.call('throws', 1, { timeout: 'x' as never })).rejects.toBeInstanceOf(InvalidArgTypeError);
    await close();
  });

  test('that are given up do not run, or are aborted', async () => {
    const began: string[] = [];
    const aborted: string[] = [];
    const options = { queue: newQueue(), connection: server.url, concurrency: 1 };
    const { cluster, close } = await joinHere(options, (manager) => {
      manager.define('hang', async (name: string, { signal }) => {
        began.push(name);
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            aborted.push(name);
            resolve();
          });
        });
      });
      manager.define('note', (name: string) => {
        began.push(name);
      });
    });
    const giveUp = new AbortController();
    const running = cluster.call('hang', 'running', { signal: giveUp.signal });
    await until('the handler runs', () => began.length === 1);
    await expect(cluster.call('hang', 'waiting', { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    giveUp.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await until('the handler is told', () => aborted.length === 1);
    await inTime('the next call', cluster.call('note', 'next'));
    expect(began).toEqual(['running', 'next']);
    await expect(cluster.call('note', 'x', { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
    await close();
    await expect(cluster.call('note')).rejects.toMatchObject({ code: 'ERR_CLUSTER_CLOSED' });
  });

  test('go from one member to another, and one without handlers only calls', async () => {
    const queue = newQueue();
    const worker = await joinHere({ queue, connection: server.url }, (manager) => {
      manager.define('who', () => 'worker');
    });
    const caller = await joinHere({ queue, connection: server.url, work: false }, (manager) => {
      manager.define('who', () => 'caller');
    });
    const answers = await inTime(
      '20 answers',
      Promise.all(Array.from({ length: 20 }, () => caller.cluster.call('who'))),
    );
    expect(new Set(answers)).toEqual(new Set(['worker']));
    await worker.close();
    const pending = caller.cluster.call('who').catch((error: unknown) => error);
    await until('the task is stored', async () => (await caller.cluster.stats()).waiting === 1);
    await caller.close();
    expect(await pending).toMatchObject({ code: 'ERR_CLUSTER_CLOSED' });
  });
});
