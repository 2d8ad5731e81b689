import { afterAll, beforeAll, expect, test } from '@jest/globals';

import {
  type BackendFactory,
  type ConnectionOptions,
  Queue,
  type RedisQueueBackend,
  createPostgresBackend,
  createRedisBackend,
} from 'bullmq';

import { type LocalMember, joinHere, newQueue } from './support/local-member';
import { type TestServer, describeStores, makeServer } from './support/stores';
import { inTime, until, wallClock } from './support/waiting';

describeStores('tasks', (store) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await makeServer(store).start();
  });
  afterAll(() => server?.stop());

  /** Joins a queue of its own, with a handler `note` that notes its payloads. */
  async function join(options = {}): Promise<LocalMember & { noted: unknown[] }> {
    const noted: unknown[] = [];
    const member = await joinHere({ queue: newQueue(), connection: server.url, ...options }, (manager) => {
      manager.define('note', (payload) => {
        noted.push(payload);
      });
      manager.define('echo', (payload) => payload);
    });
    return { ...member, noted };
  }

  test('run once each, and are never early', async () => {
    const { cluster, close } = await (async () => {
      const late: number[] = [];
      const member = await joinHere({ queue: newQueue(), connection: server.url }, (manager) => {
        manager.define('late', (due: number) => {
          late.push(wallClock() - due);
        });
      });
      for (let i = 0; i < 60; i++) {
        const delta = (i * 37) % 500;
        await member.cluster.schedule('late', wallClock() + delta, { delta });
      }
      const when = Math.ceil(member.cluster.getTime()) + 300;
      await member.cluster.schedule('late', when + member.cluster.clockSkew, { when });
      await member.cluster.schedule('late', when + member.cluster.clockSkew, { when: new Date(when) });
      await until('62 tasks have run', () => late.length === 62);
      // This process' two clocks are read one after the other.
      expect(Math.min(...late)).toBeGreaterThanOrEqual(-1);
      return member;
    })();
    await until('all have ended', async () => (await cluster.stats()).completed === 62);
    expect(await cluster.stats()).toMatchObject({ delayed: 0, waiting: 0, running: 0 });
    await close();
  });

  test('run in the order of their priorities, then in that of their arrival', async () => {
    const { cluster, noted, close } = await join({ concurrency: 1 });
    await cluster.pause();
    const tasks = Array.from({ length: 60 }, (_, i) => ({ payload: i, priority: [0, 5, -7, 1_000_000][i % 4] ?? 0 }));
    for (const { payload, priority } of tasks) await cluster.schedule('note', payload, { priority });
    cluster.resume();
    await until('all have run', () => noted.length === tasks.length);
    const expected = tasks.toSorted((a, b) => a.priority - b.priority).map(({ payload }) => payload);
    expect(noted).toEqual(expected);
    await close();
  });

  test('carry what a structured clone carries', async () => {
    const { cluster, close } = await join();
    const same = { a: 1 };
    const payloads = [
      undefined,
      null,
      NaN,
      -0,
      Infinity,
      'a\0b',
      '\ud800',
      12345678901234567890n,
      new Map([[1, new Set(['x'])]]),
      new Date(1e12),
      /x/gi,
      new Uint8Array([1, 2, 3]),
      [1, undefined, [null]],
      // eslint-disable-next-line no-sparse-arrays
      [1, , 3],
      { deep: { list: [1, 'two', { three: 3 }] }, flag: true },
      { undefined: undefined },
      [same, same],
      'ünï©ödé',
      JSON.parse('{"__proto__": 1}'),
    ];
    for (const payload of payloads) {
      const received = await inTime('the echo', cluster.call('echo', payload));
      expect(received).toStrictEqual(structuredClone(payload));
    }
    const [first, second] = (await cluster.call('echo', [same, same])) as [unknown, unknown];
    expect(first).toBe(second);
    await close();
  });

  test('are stored by scheduleAll() with their ids, and not twice under one id', async () => {
    const { cluster, noted, close } = await join();
    const tasks = await cluster.scheduleAll(
      Array.from({ length: 50 }, (_, i) => ({ name: 'note', payload: i, options: { id: `task-${i % 25}` } })),
    );
    expect(tasks.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, i) => `task-${i % 25}`));
    await cluster.schedule('note', 'again', { id: 'task-3' });
    await cluster.schedule('note', 'last', { priority: 10 });
    await until('the last one has run', () => noted.includes('last'));
    expect(noted.filter((payload) => payload !== 'last').length).toBe(25);
    await close();
  });

  test('are replaced by a later one of the same key that has not begun', async () => {
    const { cluster, noted, close } = await join({ concurrency: 1 });
    // Delayed, waiting, and from waiting to delayed.
    for (let i = 0; i < 5; i++) await cluster.schedule('note', `delayed ${i}`, { delta: 200, key: 'a' });
    await until('the last one has run', () => noted.includes('delayed 4'));
    await cluster.pause();
    for (let i = 0; i < 5; i++) await cluster.schedule('note', `waiting ${i}`, { key: 'b' });
    const due = wallClock() + 300;
    await cluster.schedule('note', 'first', { key: 'c' });
    await cluster.schedule('echo', 'other handler', { key: 'c', when: due });
    cluster.resume();
    await until('the last one has run', () => noted.includes('waiting 4'));
    await until('the other handler has run', async () => (await cluster.stats()).completed === 3);
    expect(noted).toEqual(['delayed 4', 'waiting 4']);
    await close();
  });

  test('with a key that come while one runs: the last one follows', async () => {
    const began: unknown[] = [];
    const ends: (() => void)[] = [];
    const { cluster, close } = await joinHere({ queue: newQueue(), connection: server.url }, (manager) => {
      manager.define('long', async (payload) => {
        began.push(payload);
        await new Promise<void>((resolve) => {
          ends.push(resolve);
        });
      });
    });
    await cluster.schedule('long', 'first', { key: 'k' });
    await until('the first one runs', () => began.length === 1);
    for (let i = 0; i < 5; i++) await cluster.schedule('long', i, { key: 'k' });
    expect(began).toEqual(['first']);
    ends.shift()?.();
    await until('the last one runs', () => began.length === 2);
    expect(began).toEqual(['first', 4]);
    ends.shift()?.();
    await until('both have ended', async () => (await cluster.stats()).completed === 2);
    expect((await cluster.stats()).waiting).toBe(0);
    await close();
  });

  test('of other languages run, too', async () => {
    const name = newQueue();
    const { noted, close } = await join({ queue: name });
    // What a library of BullMQ in another language stores: a name, and data in this form.
    const connection = (store === 'redis' ? { url: server.url } : server.url) as ConnectionOptions;
    const createBackend = store === 'redis' ? createRedisBackend : (createPostgresBackend as unknown as BackendFactory);
    const queue = new Queue(name, { connection }, createBackend as BackendFactory<RedisQueueBackend>);
    await queue.add('note', { json: { from: 'elsewhere' } });
    await queue.add('note', {});
    await until('both have run', () => noted.length === 2);
    expect(noted).toEqual([{ from: 'elsewhere' }, undefined]);
    await queue.close();
    await close();
  });

  test('are tried again, and are kept when they fail', async () => {
    const attempts: number[] = [];
    const options = { queue: newQueue(), connection: server.url, attempts: 3, backoff: { delay: 20, jitter: 0 } };
    const { cluster, errors, close } = await joinHere(options, (manager) => {
      manager.define('flaky', (succeedAt: number) => {
        attempts.push(succeedAt);
        if (attempts.filter((each) => each === succeedAt).length < succeedAt) throw new RangeError('not yet');
      });
    });
    await cluster.schedule('flaky', 2);
    await cluster.schedule('flaky', 4);
    await cluster.schedule('unknown');
    await until('all have ended', async () => {
      const { completed, failed } = await cluster.stats();
      return completed + failed === 3;
    });
    expect(attempts.toSorted((a, b) => a - b)).toEqual([2, 2, 4, 4, 4]);
    expect(await cluster.stats()).toMatchObject({ completed: 1, failed: 2 });
    expect(errors.filter((error) => (error as { code?: string }).code === 'ERR_UNKNOWN_TASK').length).toBe(3);
    await close();
  });
});
