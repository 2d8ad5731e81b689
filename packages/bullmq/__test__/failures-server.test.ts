import { afterEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueueEvents } from 'bullmq';

import { joinHere, newQueue } from './support/local-member';
import { Journal, MemberProcess, killMembers } from './support/member';
import { RedisServer } from '../support/servers';
import { type TestServer, describeFailures, describeStore, found, makeServer } from './support/stores';
import { inTime, until } from './support/waiting';

const KEEP = { completed: { age: 7200, count: 1_000_000 } };

describeFailures('a server that fails', (store) => {
  let server: TestServer | undefined;
  let journal: Journal | undefined;
  afterEach(async () => {
    await killMembers();
    await server?.stop();
    journal?.remove();
  });

  const tasks = found.kills ? 10_000 : 600;
  const serverKills = found.kills ? 10 : 2;
  const memberKills = found.kills ? 20 : 2;

  test(
    `no acknowledged task is lost: ${tasks} tasks, ${serverKills} kills of the server, ${memberKills} of members`,
    async () => {
      // With its default setting, Redis postpones writing by two seconds while the disk is busy.
      const settings = store === 'redis' ? { appendonly: 'yes', save: '', appendfsync: 'always' } : undefined;
      const running = await makeServer(store, settings).start();
      server = running;
      const file = new Journal();
      journal = file;
      const queue = newQueue();
      const options = { queue, connection: running.url, lease: 2000, keep: KEEP, storeTimeout: 60_000 };
      const members = await Promise.all([1, 2, 3].map(() => MemberProcess.start(file, options)));
      const producer = await joinHere({ ...options, work: false });
      // Each end of a task is an event of the store.
      const ends = new Map<string, number>();
      const events = store === 'redis' ? new QueueEvents(queue, { connection: { url: running.url } }) : undefined;
      events?.on('error', () => undefined);
      events?.on('completed', ({ jobId }) => ends.set(jobId, (ends.get(jobId) ?? 0) + 1));
      await events?.waitUntilReady();

      const acknowledged = new Set<number>();
      const errors: unknown[] = [];
      const produce = async (from: number): Promise<void> => {
        for (let i = from; i < tasks; i += 8) {
          // Half of them are delayed: they are in the store when it is killed.
          const how = { id: `task-${i}`, ...(i % 2 === 0 ? {} : { delta: (i * 7) % 3000 }) };
          try {
            await producer.cluster.schedule('note', i, how);
            acknowledged.add(i);
          } catch (error) {
            errors.push(error);
          }
        }
      };
      const producing = Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((from) => produce(from)));
      const results: unknown[] = [];
      const steps = serverKills + memberKills;
      for (let step = 1; step <= steps; step++) {
        const reached = Math.floor((tasks * step) / (steps + 1));
        await until(`${reached} tasks are stored`, () => acknowledged.size >= reached);
        if (step % Math.round(steps / serverKills) === 0) {
          // A call is under way while the server is away.
          const call = producer.cluster.call('echo', 'a call');
          await running.kill();
          await running.start();
          results.push(await inTime('the call', call));
        } else {
          const victim = members[step % members.length];
          await victim?.kill();
          members[step % members.length] = await MemberProcess.start(file, options);
        }
      }
      await inTime('all are stored', producing, 120_000);
      expect(errors).toEqual([]);
      expect(acknowledged.size).toBe(tasks);
      const done = async (): Promise<boolean> => {
        const { waiting, running: active, delayed } = await producer.cluster.stats();
        return waiting + active + delayed === 0;
      };
      await until('all have ended', done, 120_000);
      expect(results).toEqual(Array.from({ length: serverKills }, () => 'a call'));
      const ran = new Map<unknown, number>();
      for (const payload of file.ran()) ran.set(payload, (ran.get(payload) ?? 0) + 1);
      const lost = [...acknowledged].filter((i) => !ran.has(i));
      expect(lost).toEqual([]);
      const { failed } = await producer.cluster.stats();
      expect(failed).toBe(0);
      const twice = [...ran.values()].filter((count) => count > 1).length;
      console.log(`${store}: ${tasks} acknowledged, 0 lost, ${twice} run twice, ${ends.size} ends seen`);
      expect([...ends].filter(([, count]) => count > 1)).toEqual([]);
      // A member runs 64 at a time at most: those of a killed one run again.
      expect(twice).toBeLessThanOrEqual(64 * steps);
      // BullMQ's close() waits for an end that may not come after the server was killed.
      void events?.disconnect().catch(() => undefined);
      await inTime('close()', producer.close());
    },
    found.kills ? 1_800_000 : 180_000,
  );

  test('in an outage what waits is bounded, and the rest is refused', async () => {
    const running = await makeServer(store).start();
    server = running;
    const { cluster, close } = await joinHere(
      { queue: newQueue(), connection: running.url, storeTimeout: 1500 },
      (manager) => manager.define('note', () => undefined),
    );
    await cluster.schedule('note', 'before');
    await running.kill();
    const codes = new Map<string, number>();
    const adds = Array.from({ length: 5000 }, () =>
      cluster.schedule('note', 'x').catch(({ code }: { code: string }) => codes.set(code, (codes.get(code) ?? 0) + 1)),
    );
    await inTime('all are refused', Promise.all(adds));
    expect([...codes]).toEqual([['ERR_STORE_UNAVAILABLE', 5000]]);
    await expect(cluster.call('note', 'x', { timeout: 100 })).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    await running.start();
    await until('it works again', () =>
      cluster.call('note', 'after', { timeout: 5000 }).then(
        () => true,
        () => false,
      ),
    );
    await close();
  });

  test('a member joins when its server comes, and leaves while it is away', async () => {
    const running = await makeServer(store).start();
    server = running;
    const options = { queue: newQueue(), connection: running.url };
    await running.kill();
    const joining = joinHere(options, (manager) => manager.define('echo', (payload) => payload));
    await running.start();
    const member = await inTime('join()', joining);
    expect(await member.cluster.call('echo', 1)).toBe(1);
    await running.kill();
    await inTime('close()', member.close());
  });
});

describeStore('redis', 'a full disk', () => {
  test('schedule() is refused, and what was accepted runs when there is room again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'waitable-event-full-'));
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]);
    if (status !== 0) {
      console.log('Skipped: this needs the right to mount a file system.');
      rmSync(folder, { recursive: true });
      return;
    }
    const settings = { appendonly: 'yes', save: '', 'auto-aof-rewrite-percentage': 0 };
    const server = new RedisServer(found.redis.command ?? [], settings, folder);
    try {
      await server.start();
      const ran: number[] = [];
      const member = await joinHere({ queue: newQueue(), connection: server.url, storeTimeout: 3000 }, (manager) => {
        manager.define('note', (payload: number) => {
          ran.push(payload);
        });
      });
      for (let i = 0; i < 20; i++) await member.cluster.schedule('note', i, { delta: 2000 });
      const filler = join(folder, 'filler');
      expect(() => writeFileSync(filler, Buffer.alloc(4 << 20))).toThrow('ENOSPC');
      const refused = async (): Promise<boolean> => {
        const reason: unknown = await member.cluster
          .schedule('note', -1, { delta: 1e6 })
          .catch((error: unknown) => error);
        return reason instanceof Error && /MISCONF/.test(reason.message);
      };
      await until('schedule() is refused', refused);
      rmSync(filler);
      await until('it is accepted again', async () => !(await refused()));
      await until('all have run', () => ran.length >= 20);
      expect(new Set(ran)).toEqual(new Set(Array.from({ length: 20 }, (_, i) => i)));
      await member.close();
    } finally {
      await server.stop();
      spawnSync('umount', ['-l', folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
