import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { joinHere, newQueue } from './support/local-member';
import { type TestServer, describeStores, makeServer } from './support/stores';
import { inTime, until } from './support/waiting';

describeStores('worker threads', (store) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await makeServer(store).start();
  });
  afterAll(() => server?.stop());

  test('schedule, call and cancel through the thread that joined, also blocking', async () => {
    const noted: unknown[] = [];
    let aborted = 0;
    const { cluster, close } = await joinHere({ queue: newQueue(), connection: server.url }, (manager) => {
      manager.define('add', ([a, b]: [number, number]) => a + b);
      manager.define('note', (payload) => {
        noted.push(payload);
      });
      manager.define('fail', () => {
        throw Object.assign(new Error('no'), { code: 'E_NO' });
      });
      manager.define('hang', (_payload, { signal }) => {
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            aborted += 1;
            resolve(undefined);
          });
        });
      });
    });
    const worker = new Worker(join(__dirname, 'fixtures', 'thread.js'), { workerData: cluster.handle });
    const [message] = await inTime('the thread', once(worker, 'message'));
    expect(message).toMatchObject({ sum: 3, same: 7, later: 'later', outcome: 'cancelled', code: 'E_NO' });
    expect(message.timeout).toBe('ERR_CALL_TIMEOUT');
    await until('its task has run', () => noted.length === 1);
    await until('the handler is told', () => aborted === 1);
    expect(noted).toEqual(['from the thread']);
    await worker.terminate();
    await close();
  });
});
