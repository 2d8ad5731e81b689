import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { joinHere, newQueue } from './support/local-member';
import { type TestServer, describeStores, makeServer } from './support/stores';
import { until } from './support/waiting';

describeStores('control over tasks', (store) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await makeServer(store).start();
  });
  afterAll(() => server?.stop());

  test('cancel() tells what became of the task', async () => {
    const queue = newQueue();
    const began: string[] = [];
    const reasons: unknown[] = [];
    const worker = await joinHere({ queue, connection: server.url }, (manager) => {
      manager.define('note', (name: string) => {
        began.push(name);
      });
      manager.define('hang', async (name: string, { signal }) => {
        began.push(name);
        await new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            reasons.push(signal.reason);
            resolve();
          });
        });
      });
    });
    const other = await joinHere({ queue, connection: server.url, work: false });
    const delayed = await other.cluster.schedule('note', 'delayed', { delta: 100_000 });
    expect(await other.cluster.task(delayed.id).cancel()).toBe('cancelled');
    expect(await delayed.cancel()).toBe('done');
    const done = await other.cluster.schedule('note', 'done');
    await until('it has ended', async () => (await other.cluster.stats()).completed === 1);
    expect(await done.cancel()).toBe('done');
    const running = await other.cluster.schedule('hang', 'running', { attempts: 5 });
    await until('it runs', () => began.includes('running'));
    expect(await running.cancel()).toBe('running');
    await until('the handler is told', () => reasons.length === 1);
    await until('it has ended', async () => (await other.cluster.stats()).completed === 2);
    expect(await other.cluster.task('no such task').cancel()).toBe('done');
    expect(began).toEqual(['done', 'running']);
    await other.close();
    await worker.close();
  });

  test('a suspended task does not run until it is resumed', async () => {
    const queue = newQueue();
    const began: string[] = [];
    const define = (manager: { define(name: string, handler: (payload: string) => void): void }): void =>
      manager.define('note', (name) => {
        began.push(name);
      });
    const worker = await joinHere({ queue, connection: server.url }, define);
    const { cluster, close } = await joinHere({ queue, connection: server.url, work: false });
    await worker.cluster.pause();
    const waiting = await cluster.schedule('note', 'waiting');
    const delayed = await cluster.schedule('note', 'delayed', { delta: 30 });
    const cancelled = await cluster.schedule('note', 'cancelled');
    await waiting.suspend();
    await delayed.suspend();
    await cancelled.suspend();
    worker.cluster.resume();
    await cluster.schedule('note', 'other');
    await until('the other one has run', () => began.includes('other'));
    // Each is put off when it is claimed.
    await until('all are put off', async () => {
      const { delayed: count, waiting: left, running } = await cluster.stats();
      return count === 3 && left + running === 0;
    });
    expect(began).toEqual(['other']);
    expect(await cancelled.cancel()).toBe('cancelled');
    await cluster.task(delayed.id).resume();
    await waiting.resume();
    await until('both have run', () => began.length === 3);
    expect(new Set(began)).toEqual(new Set(['other', 'waiting', 'delayed']));
    const later = await cluster.schedule('note', 'later', { delta: 200 });
    await later.suspend();
    await later.resume();
    await until('it has run', () => began.includes('later'));
    await close();
    await worker.close();
  });

  test('a recurring task runs once at each point of the grid, however many members declare it', async () => {
    const queue = newQueue();
    // The points of the grid for which a run has begun.
    const points: number[] = [];
    const onStart = (message: unknown): void => {
      points.push((message as { due: number }).due);
    };
    subscribe('waitable-event:cluster:start', onStart);
    const members = await Promise.all(
      Array.from({ length: 3 }, () =>
        joinHere({ queue, connection: server.url }, (manager) => {
          manager.define('tick', () => undefined);
        }),
      ),
    );
    const declare = (): Promise<{ cancel(): Promise<string> }[]> =>
      Promise.all(members.map(({ cluster }) => cluster.schedule('tick', 1, { interval: 50, offset: 7 })));
    await declare();
    await until('it has run', () => points.length > 3);
    const [task] = await declare();
    await until('it has run 20 times', () => points.length >= 20);
    expect(new Set(points).size).toBe(points.length);
    expect(points.filter((point) => (point - 7) % 50 !== 0)).toEqual([]);
    expect(await task?.cancel()).toBe('cancelled');
    await until('nothing is left', async () => {
      const stats = await members[0]?.cluster.stats();
      return stats !== undefined && stats.delayed + stats.waiting + stats.running === 0;
    });
    const count = points.length;
    expect(await task?.cancel()).toBe('done');
    await Promise.all(members.map((member) => member.close()));
    unsubscribe('waitable-event:cluster:start', onStart);
    expect(points.length).toBe(count);
  });

  test('a recurring task does not overlap itself, and can be suspended', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const options = { queue: newQueue(), connection: server.url };
    const { cluster, close } = await joinHere(options, (manager) => {
      manager.define('slow', async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 120));
        running -= 1;
        runs += 1;
      });
      manager.define('note', () => undefined);
    });
    const task = await cluster.schedule('slow', 1, { interval: 30, key: 'slow one' });
    await until('it has run 3 times', () => runs >= 3);
    await task.suspend();
    await until('no run is left', () => running === 0);
    // The run that was made before it was suspended is replaced as well.
    const before = runs;
    const { completed } = await cluster.stats();
    await until('five points were skipped', async () => (await cluster.stats()).completed >= completed + 5);
    expect(runs).toBeLessThanOrEqual(before + 1);
    await task.resume();
    const after = runs;
    await until('it runs again', () => runs > after);
    expect(most).toBe(1);
    await task.cancel();
    await close();
  });

  test('close() waits for what runs, and after its timeout gives it back', async () => {
    const queue = newQueue();
    const began: string[] = [];
    const ended: string[] = [];
    const define =
      (who: string) =>
      (manager: { define(name: string, handler: (ms: number) => Promise<void>): void }): void =>
        manager.define('wait', async (ms) => {
          began.push(who);
          await new Promise((resolve) => setTimeout(resolve, ms));
          ended.push(who);
        });
    const first = await joinHere({ queue, connection: server.url }, define('first'));
    await first.cluster.schedule('wait', 300);
    await until('it runs', () => began.length === 1);
    await first.close();
    expect(ended).toEqual(['first']);
    const second = await joinHere({ queue, connection: server.url }, define('second'));
    await second.cluster.schedule('wait', 3000);
    await until('it runs', () => began.length === 2);
    const third = await joinHere({ queue, connection: server.url }, define('third'));
    await second.cluster.close({ timeout: 1 });
    await until('the other member runs it', () => began.length === 3);
    expect(began).toEqual(['first', 'second', 'third']);
    await until('it has ended', async () => (await third.cluster.stats()).completed === 2);
    await second.close();
    await third.close();
  });
});
