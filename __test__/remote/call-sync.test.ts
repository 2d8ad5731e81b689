/** callSync(), and handlers that act on their loop and manager. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { codeOf } from '../support/outcomes';
import { Owner, Producer, RemoteOwner } from '../support/remote/task-managers';
import { within } from '../support/timing';

describe('callSync()', () => {
  test('is refused in the thread of the manager, and nothing is scheduled', async () => {
    const owner = new Owner();
    const remote = TaskManager.connect(owner.manager.handle);
    expect(codeOf(() => remote.callSync('log', 1))).toBe('ERR_WOULD_DEADLOCK');
    await within(remote.call('echo'), 'a call');
    expect(owner.log).toEqual([]);
    remote.close();
  });

  test('answers calls of the same connection that are pending', async () => {
    const [, handle] = await RemoteOwner.start('runSync');
    const remote = TaskManager.connect(handle);
    const calls = [remote.call('echo', 1), remote.call('echo', 2)];
    expect(remote.callSync('echo', 3)).toBe(3);
    expect(await within(Promise.all(calls), 'the calls')).toEqual([1, 2]);
    remote.close();
  });

  test('loses no answer to call() that comes while it waits for its own', async () => {
    const [, handle] = await RemoteOwner.start('run');
    const remote = TaskManager.connect(handle);
    for (let round = 0; round < 2000; round += 1) {
      const promise = remote.call('echo', { round });
      expect(remote.callSync('echo', -round)).toBe(-round);
      expect(await within(promise, `answer ${round}`)).toEqual({ round });
    }
    remote.close();
  });

  test('wakes a manager that sleeps, each time', async () => {
    const [owner, handle] = await RemoteOwner.start('runSync');
    const remote = TaskManager.connect(handle);
    for (let round = 0; round < 20; round += 1) {
      await owner.blocked();
      expect(remote.callSync('echo', round)).toBe(round);
    }
    remote.close();
  });

  test('works from several threads at the same time', async () => {
    const owner = new Owner();
    const producers = Array.from({ length: 3 }, () => new Producer(owner.manager.handle));
    const payloads = Array.from({ length: 500 }, (_, index) => ({ index }));
    const results = await Promise.all(producers.map((producer) => producer.do('echo', 'callSync', payloads)));
    expect(results).toEqual([payloads, payloads, payloads]);
  });

  test('fails after its timeout also when the queue has no room for it', async () => {
    const [, handle] = await RemoteOwner.start('sleep', { capacity: 4 });
    const producer = new Producer(handle);
    // One for the name.
    await producer.do('count', 'echo', 3);
    expect((await producer.fails('callSync', 'echo', 1, { timeout: 5 })).code).toBe('ERR_CALL_TIMEOUT');
    expect((await producer.fails('call', 'echo', 1, { timeout: 5 })).code).toBe('ERR_CALL_TIMEOUT');
    expect((await producer.fails('call', 'another', 1, { timeout: 5 })).code).toBe('ERR_CALL_TIMEOUT');
  });

  test('that has timed out does not make a full queue smaller', async () => {
    const [, handle] = await RemoteOwner.start('sleep', { capacity: 4 });
    const producer = new Producer(handle);
    for (let round = 0; round < 3; round += 1) {
      expect((await producer.fails('callSync', 'echo', 1, { timeout: 1 })).code).toBe('ERR_CALL_TIMEOUT');
    }
    await producer.do('begin', 'echo', 1, { timeout: 5 });
    expect((await producer.fails('finish')).code).toBe('ERR_CALL_TIMEOUT');
  });
});

test('a handler may have the loop make a pass: every task runs once, in order', async () => {
  const owner = new Owner({ loop: new RunLoop() });
  owner.manager.define('nested', (value: number) => {
    owner.log.push(value);
    owner.loop.runOnce();
  });
  const producer = new Producer(owner.manager.handle);
  await producer.do('count', 'nested', 300);
  owner.loop.runOnce();
  expect(owner.log).toEqual(Array.from({ length: 300 }, (_, index) => index));
  await producer.do('count', 'log', 10, 300);
  owner.loop.runOnce();
  expect(owner.log).toHaveLength(310);
});

test('a handler may close the manager in the middle of a turn', async () => {
  const owner = new Owner({ loop: new RunLoop() });
  const producers = [new Producer(owner.manager.handle), new Producer(owner.manager.handle)];
  owner.manager.define('close', () => owner.manager.close());
  await Promise.all(
    producers.map(async (producer) => {
      await producer.do('count', 'log', 100);
      await producer.do('schedule', 'close');
      await producer.do('count', 'log', 100, 100);
    }),
  );
  owner.loop.runOnce();
  // Nothing of the one that closed runs after that.
  expect(owner.log.length).toBeLessThan(400);
  owner.loop.runOnce();
  expect((await producers[0]?.fails('schedule', 'log'))?.code).toBe('ERR_TASK_MANAGER_CLOSED');
});
