/** What happens to tasks and calls when a thread ends, or either side closes. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager, type TaskManagerHandle } from 'waitable-event';

import { countDescriptors } from '../support/files';
import { codeOf, rejectionOf } from '../support/outcomes';
import { Owner, Producer, RemoteOwner } from '../support/remote/task-managers';
import { TIME_LIMIT, until } from '../support/threads';
import { within } from '../support/timing';
import { WorkerHarness } from '../support/worker-harness';

const CLOSED = 'ERR_TASK_MANAGER_CLOSED';
const HOUR = 3_600_000;

describe.each(['call', 'callSync'] as const)('%s() that is pending when the thread of the manager ends', (way) => {
  /** How a call ends that a worker makes; by then it blocks, or soon will. */
  async function begin(handle: TaskManagerHandle): Promise<{ outcome: Promise<string | number | undefined> }> {
    const producer = new Producer(handle);
    await producer.reached(0);
    const outcome = producer.fails(way, 'never').then(({ code }) => code);
    if (way === 'callSync') {
      await producer.blocked();
    }
    return { outcome };
  }

  test.each(['run', 'runSync'] as const)('by terminate(), in %s()', async (loop) => {
    const [owner, handle] = await RemoteOwner.start(loop);
    const { outcome } = await begin(handle);
    const remote = TaskManager.connect(handle);
    await within(remote.call('echo'), 'a call');
    await owner.terminate();
    expect(await outcome).toBe(CLOSED);
    expect(await rejectionOf(remote.call('echo'))).toBe(CLOSED);
  });

  test.each(['sleep', 'spin'] as const)('before it ever met the producer: it %ss', async (loop) => {
    const [owner, handle] = await RemoteOwner.start(loop);
    const { outcome } = await begin(handle);
    await owner.terminate();
    expect(await outcome).toBe(CLOSED);
  });

  test.each(['exit', 'throw out'])('by itself: %s', async (how) => {
    const [owner, handle] = await RemoteOwner.start('run');
    const { outcome } = await begin(handle);
    const remote = TaskManager.connect(handle);
    remote.schedule(how);
    expect(await outcome).toBe(CLOSED);
    await within(owner.exit, 'the end of the owner');
    expect(codeOf(() => remote.schedule('echo'))).toBe(CLOSED);
  });

  test('in the middle of its handler', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    const producer = new Producer(handle);
    const outcome = producer.fails(way, 'spin');
    await owner.reached(2);
    await owner.terminate();
    expect((await outcome).code).toBe(CLOSED);
  });
});

describe('when the thread of the manager has ended', () => {
  test.each(['run', 'spin'] as const)(
    'schedule(), cancel() and new calls throw ERR_TASK_MANAGER_CLOSED (%s)',
    async (way) => {
      const [owner, handle] = await RemoteOwner.start(way);
      const remote = TaskManager.connect(handle);
      const task = remote.schedule('post', 1, { delta: HOUR });
      await owner.terminate();
      expect(codeOf(() => remote.schedule('post'))).toBe(CLOSED);
      expect(codeOf(() => remote.schedule('post', 1, { delta: HOUR }))).toBe(CLOSED);
      expect(codeOf(() => remote.callSync('post'))).toBe(CLOSED);
      expect(await rejectionOf(remote.call('post'))).toBe(CLOSED);
      expect(await rejectionOf(task.cancel())).toBe(CLOSED);
      // These have nothing to hold up any more.
      task.suspend();
      task.resume();
      remote.close();
    },
  );

  test('schedule() throws also when it ended in the middle of a pass, in which no doorbell was needed', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    const remote = TaskManager.connect(handle);
    remote.schedule('spin');
    await owner.reached(2);
    remote.schedule('echo');
    await owner.terminate();
    expect(codeOf(() => remote.schedule('echo'))).toBe(CLOSED);
  });

  test('connect() throws ERR_INVALID_HANDLE', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    await owner.terminate();
    expect(codeOf(() => TaskManager.connect(handle))).toBe('ERR_INVALID_HANDLE');
  });

  test('connect() throws it also while the thread ends', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [owner, handle] = await RemoteOwner.start('run');
      const ended = owner.terminate();
      const before = countDescriptors();
      // In one iteration of this thread's event loop: the owner ends during a connect(), more often than not.
      const deadline = Date.now() + TIME_LIMIT;
      let code: unknown;
      while (code === undefined && Date.now() < deadline) {
        code = codeOf(() => TaskManager.connect(handle).close());
      }
      expect(code).toBe('ERR_INVALID_HANDLE');
      await ended;
      expect(countDescriptors()).toBeLessThanOrEqual(before);
    }
  });

  test('a producer that is blocked for room gets ERR_TASK_MANAGER_CLOSED', async () => {
    const [owner, handle] = await RemoteOwner.start('sleep', { capacity: 4 });
    const producer = new Producer(handle);
    const outcome = producer.fails('flood', 'post');
    await producer.blocked();
    await owner.terminate();
    expect((await outcome).code).toBe(CLOSED);
  });

  test('a call that is aborted before its thread has heard of it is rejected all the same', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    const producer = new Producer(handle);
    await producer.do('begin', 'never');
    await producer.do('call', 'echo');
    const aborted = producer.do('abortAfterEnd', { code: 'E_REASON' });
    await producer.reached(5);
    await owner.terminate();
    await aborted;
    expect((await producer.fails('finish')).code).toBe('E_REASON');
    expect(producer.failure).toBeUndefined();
  });
});

describe('when the manager is closed', () => {
  test('pending calls are rejected, and all methods throw ERR_TASK_MANAGER_CLOSED', async () => {
    const owner = new Owner();
    owner.manager.define('never', () => new Promise(() => {}));
    const producer = new Producer(owner.manager.handle);
    await producer.do('begin', 'never');
    const blocked = new Producer(owner.manager.handle);
    await blocked.reached(0);
    const outcome = blocked.fails('callSync', 'never');
    await blocked.blocked();
    owner.manager.close();
    owner.manager.close();
    expect((await outcome).code).toBe(CLOSED);
    expect((await producer.fails('finish')).code).toBe(CLOSED);
    expect((await producer.fails('schedule', 'log')).code).toBe(CLOSED);
    expect((await producer.fails('connect')).code).toBe('ERR_INVALID_HANDLE');
  });

  test('by one of its own tasks, the call of that task is rejected', async () => {
    const [, handle] = await RemoteOwner.start('runSync');
    const remote = TaskManager.connect(handle);
    expect(codeOf(() => remote.callSync('close'))).toBe(CLOSED);
    expect(codeOf(() => remote.schedule('echo'))).toBe(CLOSED);
  });

  test('its handle throws ERR_TASK_MANAGER_CLOSED', () => {
    const manager = new TaskManager({ loop: new RunLoop() });
    const { handle } = manager;
    manager.close();
    expect(codeOf(() => manager.handle)).toBe(CLOSED);
    const never = new TaskManager({ loop: new RunLoop() });
    never.close();
    expect(codeOf(() => never.handle)).toBe(CLOSED);
    // What is not found is the manager, not the event in its handle.
    expect(() => TaskManager.connect(handle)).toThrow(/^No live task manager /);
    expect(() => RunLoop.connect({ stop: handle.trigger })).toThrow(/^No live run loop /);
  });

  test.each([
    { control: new SharedArrayBuffer(8) },
    { control: new ArrayBuffer(40) },
    { control: undefined },
    { capacity: 3 },
    { capacity: Infinity },
    { capacity: undefined },
    { onFull: 'wait' },
    { threadId: undefined },
  ])('connect() of a handle with %p in it is refused', (wrong) => {
    const manager = new TaskManager({ loop: new RunLoop() });
    const handle = { ...manager.handle, ...wrong } as TaskManagerHandle;
    expect(codeOf(() => TaskManager.connect(handle))).toBe('ERR_INVALID_HANDLE');
    manager.close();
  });

  test.each([undefined, null, 5, 'handle', {}, [], { channel: 'x' }, { channel: 'x', trigger: { key: 1, state: {} } }])(
    'connect() of %p, which is no handle, is a wrong type of argument',
    (handle) => {
      expect(codeOf(() => TaskManager.connect(handle as unknown as TaskManagerHandle))).toBe('ERR_INVALID_ARG_TYPE');
    },
  );
});

describe('when the thread of a producer ends', () => {
  test('the tasks that it had scheduled run once each', async () => {
    const owner = new Owner({ loop: new RunLoop() });
    const producer = new Producer(owner.manager.handle);
    producer.do('scheduleAndExit', 'log', 1000).catch(() => {});
    expect(await within(producer.exit, 'the end of the producer')).toBe(0);
    owner.loop.runOnce();
    owner.loop.runOnce();
    expect(owner.log).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  test('its tasks that wait for their time run too, and recurring ones go on', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    await producer.do('scheduleAll', [
      ['log', 'later', { delta: 5 }],
      ['log', 'tick', { interval: 1 }],
    ]);
    await producer.terminate();
    await owner.logged(10);
    expect(owner.log).toContain('later');
    expect(owner.log.filter((entry) => entry === 'tick').length).toBeGreaterThanOrEqual(9);
  });

  test('by terminate() during callSync(), that settles and the answer is dropped', async () => {
    const owner = new Owner();
    const ends: ((value: unknown) => void)[] = [];
    owner.manager.define('slow', () => new Promise((resolve) => ends.push(resolve)));
    const producer = new Producer(owner.manager.handle);
    await producer.reached(0);
    const outcome = producer.fails('callSync', 'slow');
    await until(() => ends.length === 1, 'the call');
    await producer.blocked();
    await producer.terminate();
    await expect(outcome).rejects.toThrow('ended with 1');
    ends[0]?.('late');
    const other = new Producer(owner.manager.handle);
    expect(await other.do('callSync', 'echo', 1)).toBe(1);
  });

  test('by terminate() during a schedule() that is blocked, that settles and what is in the queue runs', async () => {
    const owner = new Owner({ loop: new RunLoop(), capacity: 8 });
    const producer = new Producer(owner.manager.handle);
    producer.do('flood', 'log').catch(() => {});
    await producer.blocked();
    await producer.terminate();
    owner.loop.runOnce();
    owner.loop.runOnce();
    expect(owner.log).toHaveLength(7);
  });

  test('in the middle of a payload of several pieces, the task does not run and is counted', async () => {
    const owner = new Owner({ loop: new RunLoop() });
    const producer = new Producer(owner.manager.handle);
    await producer.do('schedule', 'log', 'whole');
    producer.do('flood', 'log', 5 << 20).catch(() => {});
    await producer.blocked();
    await producer.terminate();
    owner.loop.runOnce();
    owner.loop.runOnce();
    expect(owner.log).toEqual(['whole']);
    expect(owner.manager.stats().incomplete).toBe(1);
  });

  test.each(['run', 'runSync'] as const)('in the middle of connect(), the owner sleeps on in %s()', async (way) => {
    const [owner, handle] = await RemoteOwner.start(way);
    const remote = TaskManager.connect(handle);
    for (let round = 0; round < 3; round += 1) {
      const half = new WorkerHarness('remote/stop-while-connecting.js', { handle });
      await half.reached(1);
      await half.terminate();
      expect(await within(remote.call('echo', round), 'a call')).toBe(round);
      await owner.blocked();
      const second = TaskManager.connect(handle);
      expect(second.callSync('echo', round)).toBe(round);
      second.close();
      await owner.blocked();
    }
    remote.close();
  });
});

describe('close() of a connection', () => {
  test('what was scheduled before still runs', async () => {
    const owner = new Owner();
    const remote = TaskManager.connect(owner.manager.handle);
    for (let index = 0; index < 10; index += 1) {
      remote.schedule('log', index);
    }
    remote.schedule('log', 'later', { delta: 1 });
    remote.close();
    expect(await owner.logged(11)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'later']);
  });

  test('leaves the other connections of the thread alone', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    await producer.do('connect');
    await producer.do('close');
    await producer.do('connect');
    expect(await producer.do('callSync', 'echo', 1)).toBe(1);
  });

  test('1000 connections leave no descriptor behind', async () => {
    const owner = new Owner();
    const warm = TaskManager.connect(owner.manager.handle);
    await within(warm.call('echo'), 'a call');
    const before = countDescriptors();
    for (let index = 0; index < 1000; index += 1) {
      const remote = TaskManager.connect(owner.manager.handle);
      remote.schedule('log');
      if (index % 10 === 0) {
        await within(remote.call('echo'), 'a call');
      }
      remote.close();
    }
    await owner.logged(1000);
    await until(
      () => countDescriptors() <= before,
      () => `${countDescriptors()} descriptors to be ${before}`,
    );
    expect(countDescriptors()).toBeLessThanOrEqual(before);
    warm.close();
  });

  test('100 connections that are dropped without it are closed when they are garbage, and their tasks run', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    await producer.do('call', 'echo');
    const before = countDescriptors();
    await producer.do('drop', 100, 'log');
    await owner.logged(100);
    const deadline = Date.now() + TIME_LIMIT;
    while (countDescriptors() > before && Date.now() < deadline) {
      await producer.do('collect');
    }
    expect(countDescriptors()).toBeLessThanOrEqual(before);
    expect(await producer.do('callSync', 'echo', 1)).toBe(1);
  });
});
