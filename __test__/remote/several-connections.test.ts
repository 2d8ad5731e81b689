/** Managers with several producers: workers, the main thread, the manager's own thread. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { Owner, Producer, RemoteOwner } from '../support/remote/task-managers';
import { until } from '../support/threads';
import { within } from '../support/timing';

const HOUR = 3_600_000;

test('of tasks that are due at the same time the lower priority number runs first, equals in their order', async () => {
  // The loop stands still until all tasks are there.
  const owner = new Owner({ loop: new RunLoop() });
  const producer = new Producer(owner.manager.handle);
  await producer.do('scheduleAll', [
    ['log', 'd', { when: 2000 }],
    ['log', 'c1', { when: 1000, priority: 7 }],
    ['log', 'b1', { when: 1000 }],
    ['log', 'a', { when: 1000, priority: -1_000_000 }],
    ['log', 'c2', { when: 1000, priority: 7 }],
    ['log', 'b2', { when: 1000, priority: 0 }],
  ]);
  owner.loop.runOnce();
  owner.loop.runOnce();
  expect(owner.log).toEqual(['a', 'b1', 'b2', 'c1', 'c2', 'd']);
});

test('what was scheduled before the loop runs is there when it does', async () => {
  const owner = new Owner({ loop: new RunLoop() });
  const producer = new Producer(owner.manager.handle);
  await producer.do('count', 'log', 5);
  await producer.terminate();
  expect(owner.log).toEqual([]);
  owner.loop.runOnce();
  expect(owner.log).toEqual([0, 1, 2, 3, 4]);
});

test('several connections of one thread are several producers', async () => {
  const owner = new Owner();
  const first = TaskManager.connect(owner.manager.handle);
  const second = TaskManager.connect(structuredClone(owner.manager.handle));
  first.schedule('log', 1);
  second.schedule('log', 2);
  first.close();
  expect(new Set(await owner.logged(2))).toEqual(new Set([1, 2]));
  expect(await within(second.call('echo', 3), 'a call')).toBe(3);
  second.close();
});

test('the manager schedules named tasks of its own', async () => {
  const owner = new Owner();
  const { manager } = owner;
  const payload = { same: () => 'object' };
  manager.schedule('log', payload);
  manager.schedule('log', 'at', { when: Date.now() - 1 });
  manager.schedule('log', 'delta', { delta: 2 });
  manager.schedule('unknown');
  await owner.logged(3);
  expect(owner.log.find((entry) => typeof entry === 'object')).toBe(payload);
  await until(() => owner.errors.length > 0, 'an error');
  expect(owner.errors).toEqual([['ERR_UNKNOWN_TASK', 'unknown']]);
  manager.schedule('log', 'tick', { interval: 1 });
  await owner.logged(6);
  expect(owner.log.slice(3, 6)).toEqual(['tick', 'tick', 'tick']);
});

describe.each(['run', 'runSync'] as const)('this thread schedules on the manager of a worker in %s()', (way) => {
  test('with tasks, calls and cancels', async () => {
    const [owner, handle] = await RemoteOwner.start(way);
    const remote = TaskManager.connect(handle);
    remote.schedule('post', 1);
    remote.schedule('post', { two: 2 }, { delta: 1 });
    expect(await owner.received(2)).toEqual([1, { two: 2 }]);
    const task = remote.schedule('post', 3, { delta: HOUR });
    expect(await within(task.cancel(), 'cancel()')).toBe('cancelled');
    expect(await within(task.cancel(), 'cancel()')).toBe('cancelled');
    expect(await within(remote.call('echo', [4]), 'call()')).toEqual([4]);
    expect(remote.callSync('echo', [5])).toEqual([5]);
    const tick = remote.schedule('post', 'tick', { interval: 1 });
    await owner.received(5);
    tick.suspend();
    tick.resume();
    await owner.received(7);
    expect(await within(tick.cancel(), 'cancel()')).toBe('cancelled');
    remote.close();
  });

  test('and wakes it out of its sleep', async () => {
    const [owner, handle] = await RemoteOwner.start(way);
    const remote = TaskManager.connect(handle);
    for (let round = 0; round < 5; round += 1) {
      await owner.blocked();
      remote.schedule('post', round);
      await owner.received(round + 1);
    }
    expect(owner.messages).toEqual([0, 1, 2, 3, 4]);
    remote.close();
  });

  test('together with a worker', async () => {
    const [owner, handle] = await RemoteOwner.start(way);
    const producer = new Producer(handle);
    const remote = TaskManager.connect(handle, { onFull: 'block' });
    await Promise.all([
      producer.do('count', 'count', 20_000),
      (async () => {
        for (let index = 0; index < 20_000; index += 1) {
          remote.schedule('count');
        }
        await remote.call('echo');
      })(),
    ]);
    await producer.do('callSync', 'echo');
    expect(owner.words[2]).toBe(40_000);
    remote.close();
  });
});
