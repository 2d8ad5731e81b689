import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { joinHere, newQueue } from './support/local-member';
import { describeStore, found, makeServer } from './support/stores';
import { until } from './support/waiting';

const { command: python, reason } = found.python;

// BullMQ for Python knows Redis alone.
describeStore('redis', 'clients in other languages', () => {
  const group = python === undefined ? describe.skip : describe;

  group(`BullMQ for Python${python === undefined ? ` (skipped: ${reason})` : ''}`, () => {
    test('its task runs', async () => {
      const server = await makeServer('redis').start();
      try {
        const queue = newQueue();
        const ran: unknown[] = [];
        const { cluster, close } = await joinHere({ queue, connection: server.url }, (manager) => {
          manager.define('resize', (payload) => void ran.push(payload));
        });
        const script = join(__dirname, 'fixtures', 'add.py');
        const payload = { width: 640, name: 'größer', tags: [null, true, 0.5] };
        const id = execFileSync(String(python), [script, server.url, queue, 'resize', JSON.stringify(payload)], {
          encoding: 'utf8',
        }).trim();
        await until('the task has run', () => ran.length > 0);
        expect(ran).toEqual([payload]);
        await until('it has ended', async () => (await cluster.stats()).completed === 1);
        expect(await cluster.task(id).cancel()).toBe('done');
        await close();
      } finally {
        await server.stop();
      }
    }, 120_000);
  });
});
