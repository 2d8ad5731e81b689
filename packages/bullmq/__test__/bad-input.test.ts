import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { type ClusterOptions } from '../lib';
import { RedisServer, freePort } from '../support/servers';
import { type LocalMember, joinHere, newQueue } from './support/local-member';
import { type TestServer, describeStore, describeStores, found, makeServer } from './support/stores';
import { until } from './support/waiting';

/** Resolves with the code of the error that a promise rejects with. */
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    const { code, name } = error as { code?: unknown; name: string };
    // A DOMException has a number.
    return typeof code === 'string' ? code : name;
  }
  return 'no error';
}

describeStores('bad input', (store) => {
  let server: TestServer;
  let member: LocalMember;
  beforeAll(async () => {
    server = await makeServer(store).start();
    member = await joinHere({ queue: newQueue(), connection: server.url, maxPayload: 1000 }, (manager) => {
      manager.define('note', () => undefined);
      manager.define('large', () => 'x'.repeat(2000));
    });
  });
  afterAll(async () => {
    await member?.close();
    await server?.stop();
  });

  const wrongOptions: [string, Partial<ClusterOptions>, string][] = [
    ['an empty queue', { queue: '' }, 'ERR_INVALID_ARG_VALUE'],
    ['a queue with a colon', { queue: 'a:b' }, 'ERR_INVALID_ARG_VALUE'],
    ['a queue that is no text', { queue: 1 as never }, 'ERR_INVALID_ARG_TYPE'],
    ['no connection', { connection: undefined as never }, 'ERR_INVALID_ARG_TYPE'],
    ['an unknown scheme', { connection: 'mongodb://localhost' }, 'ERR_INVALID_ARG_VALUE'],
    ['a URL without a scheme', { connection: 'localhost:6379' }, 'ERR_INVALID_ARG_VALUE'],
    ['a lease under a second', { lease: 999 }, 'ERR_INVALID_ARG_VALUE'],
    ['a concurrency of zero', { concurrency: 0 }, 'ERR_INVALID_ARG_VALUE'],
    ['a backoff of NaN', { backoff: { delay: NaN } }, 'ERR_INVALID_ARG_VALUE'],
    ['an onFull that does not exist', { onFull: 'drop' as never }, 'ERR_INVALID_ARG_VALUE'],
    ['an onError that is no function', { onError: 1 as never }, 'ERR_INVALID_ARG_TYPE'],
  ];
  test.each(wrongOptions)('join() refuses %s', async (_title, wrong, code) => {
    expect(await codeOf(joinHere({ queue: newQueue(), connection: server.url, ...wrong }))).toBe(code);
  });

  test('join() refuses what the store refuses, and tells when it is away', async () => {
    const queue = newQueue();
    const guarded =
      store === 'redis' ? await makeServer(store, { appendonly: 'yes', requirepass: 'secret' }).start() : server;
    const connection = guarded.url.replace(/\/\/(.*@)?/, store === 'redis' ? '//:wrong@' : '//test:wrong@');
    expect(await codeOf(joinHere({ queue, connection }))).toBe('ERR_STORE_REFUSED');
    if (guarded !== server) await guarded.stop();
    const away = server.url.replace(/:\d+($|\/)/, `:${await freePort()}$1`);
    expect(await codeOf(joinHere({ queue, connection: away, storeTimeout: 300 }))).toBe('ERR_STORE_UNAVAILABLE');
  });

  const wrongSchedules: [string, () => Promise<unknown>, string][] = [
    ['a payload that is too large', () => member.cluster.schedule('note', 'x'.repeat(1001)), 'ERR_PAYLOAD_TOO_LARGE'],
    ['bytes that are too many', () => member.cluster.schedule('note', new Uint8Array(1001)), 'ERR_PAYLOAD_TOO_LARGE'],
    ['a function', () => member.cluster.schedule('note', () => undefined), 'DataCloneError'],
    ['shared memory', () => member.cluster.schedule('note', new SharedArrayBuffer(8)), 'ERR_INVALID_ARG_VALUE'],
    ['a transfer list', () => member.cluster.schedule('note', 1, { transfer: [] } as never), 'ERR_INVALID_ARG_VALUE'],
    ['an empty name', () => member.cluster.schedule('', 1), 'ERR_INVALID_ARG_VALUE'],
    ['a time of NaN', () => member.cluster.schedule('note', 1, { when: NaN }), 'ERR_INVALID_ARG_VALUE'],
    ['an invalid date', () => member.cluster.schedule('note', 1, { when: new Date('x') }), 'ERR_INVALID_ARG_VALUE'],
    ['an interval of zero', () => member.cluster.schedule('note', 1, { interval: 0 }), 'ERR_INVALID_ARG_VALUE'],
    ['half a millisecond', () => member.cluster.schedule('note', 1, { interval: 0.5 }), 'ERR_INVALID_ARG_VALUE'],
    ['a priority of 0.5', () => member.cluster.schedule('note', 1, { priority: 0.5 }), 'ERR_INVALID_ARG_VALUE'],
    ['no attempts', () => member.cluster.schedule('note', 1, { attempts: 0 }), 'ERR_INVALID_ARG_VALUE'],
    ['an id that is an integer', () => member.cluster.schedule('note', 1, { id: '12' }), 'ERR_INVALID_ARG_VALUE'],
    ['an id with a colon', () => member.cluster.schedule('note', 1, { id: 'a:b' }), 'ERR_INVALID_ARG_VALUE'],
    ['a result that is too large', () => member.cluster.call('large'), 'ERR_PAYLOAD_TOO_LARGE'],
    ['a name without a handler', () => member.cluster.call('nope'), 'ERR_UNKNOWN_TASK'],
    [
      'one bad task of many',
      () => member.cluster.scheduleAll([{ name: 'note' }, { name: 'note', options: { when: NaN } }]),
      'ERR_INVALID_ARG_VALUE',
    ],
  ];
  test.each(wrongSchedules)('%s is refused', async (_title, schedule, code) => {
    expect(await codeOf(schedule())).toBe(code);
  });

  test('what is refused is not stored', async () => {
    await until('nothing is left', async () => (await member.cluster.stats()).waiting === 0);
    const { completed, failed, delayed } = await member.cluster.stats();
    expect({ failed, delayed }).toEqual({ failed: 0, delayed: 0 });
    expect(completed).toBeLessThanOrEqual(2);
  });

  test('a full queue refuses, or waits', async () => {
    const queue = newQueue();
    const options = { queue, connection: server.url, work: false, maxWaiting: 10 };
    const refusing = await joinHere(options);
    const codes = [];
    for (let i = 0; i < 12; i++) codes.push(await codeOf(refusing.cluster.schedule('note', i)));
    expect(codes).toEqual([...Array.from({ length: 10 }, () => 'no error'), 'ERR_QUEUE_FULL', 'ERR_QUEUE_FULL']);
    const waiting = await joinHere({ ...options, onFull: 'wait' });
    const stored = waiting.cluster.schedule('note', 'late');
    const worker = await joinHere({ queue, connection: server.url }, (manager) =>
      manager.define('note', () => undefined),
    );
    await stored;
    await until('all have run', async () => (await worker.cluster.stats()).completed === 11);
    await Promise.all([refusing.close(), waiting.close(), worker.close()]);
  });
});

describeStore('redis', 'a store that would forget', () => {
  let server: RedisServer | undefined;
  afterEach(() => server?.stop());

  async function join(settings: Record<string, string | number>, options: object = {}): Promise<unknown> {
    server = await new RedisServer(found.redis.command ?? [], settings).start();
    const joining = joinHere({ queue: newQueue(), connection: server.url, ...options });
    const code = await codeOf(joining);
    if (code === 'no error') await (await joining).close();
    return code;
  }

  test('is refused without an append-only file', async () => {
    expect(await join({ appendonly: 'no' })).toBe('ERR_STORE_VOLATILE');
  });

  test('is accepted when that is allowed', async () => {
    expect(await join({ appendonly: 'no' }, { allowVolatile: true })).toBe('no error');
  });

  test('is refused when it evicts', async () => {
    const settings = { appendonly: 'yes', maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' };
    expect(await join(settings)).toBe('ERR_STORE_EVICTS');
  });
});

describeStore('postgres', 'a store without tables', () => {
  test('is refused', async () => {
    const server = await makeServer('postgres').start();
    const connection = { connectionString: server.url, schema: 'empty' };
    expect(await codeOf(joinHere({ queue: newQueue(), connection }))).toBe('ERR_STORE_REFUSED');
    await server.stop();
  });
});
