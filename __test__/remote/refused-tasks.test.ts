/** What a connection refuses: it leaves nothing behind, neither in the queue nor at the caller. */

import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

import { describe, expect, test } from '@jest/globals';
import { type RemoteTaskManager, RunLoop, TaskManager, type TaskManagerOptions } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { countDescriptors } from '../support/files';
import { codeOf } from '../support/outcomes';
import { Owner, Producer } from '../support/remote/task-managers';

const MEGABYTE = 1 << 20;

/** A manager whose loop stands still but for `runOnce()`, and a connection to it in the same thread. */
function connected(options: Omit<TaskManagerOptions, 'loop'> = {}): [owner: Owner, remote: RemoteTaskManager] {
  const owner = new Owner({ loop: new RunLoop(), ...options });
  const remote = TaskManager.connect(owner.manager.handle);
  finallyDo(() => remote.close());
  return [owner, remote];
}

describe.each(['block', 'throw'] as const)("in the manager's own thread, with onFull: '%s'", (onFull) => {
  const full = onFull === 'block' ? 'ERR_WOULD_DEADLOCK' : 'ERR_QUEUE_FULL';

  test.each([MEGABYTE + 1, 8 * MEGABYTE])(
    'bytes for which there is no room are no part of those that follow: %p',
    (size) => {
      const [owner, remote] = connected({ onFull });
      remote.schedule('log', 1);
      expect(codeOf(() => remote.schedule('log', new Uint8Array(size)))).toBe(full);
      remote.schedule('log', new Uint8Array([2]));
      owner.loop.runOnce();
      expect(owner.log).toEqual([1, new Uint8Array([2])]);
      expect(owner.manager.stats().run).toBe(2);
    },
  );

  test('the options of a task for which there is no room are not those of the next', () => {
    const [owner, remote] = connected({ onFull, capacity: 4 });
    remote.schedule('log', 1);
    remote.schedule('log', 2);
    // There is room for one more record, and this takes two.
    expect(codeOf(() => remote.schedule('log', 'later', { when: Date.now() + 1e9 }))).toBe(full);
    remote.schedule('log', 3);
    owner.loop.runOnce();
    expect(owner.log).toEqual([1, 2, 3]);
    expect(owner.manager.stats().pending).toBe(0);
  });
});

describe('names and keys', () => {
  test('may be longer than a record', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    const long = 'long '.repeat(MEGABYTE / 2);
    owner.manager.define(long, (payload: number) => 2 * payload);
    expect(await producer.do('callSync', long, 21)).toBe(42);
    await producer.do('schedule', 'log', 1, { delta: 1e9, key: long });
    await producer.do('schedule', 'log', 2, { delta: 0, key: long });
    expect(await owner.logged(1)).toEqual([2]);
    expect(owner.manager.stats().pending).toBe(0);
  });

  test('may be any string', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    const names = ['\ud800', '\udc00', '\ufffd', '', '\0', '__proto__', 'ж', '😀'];
    for (const name of names) {
      owner.manager.define(name, () => name);
    }
    for (const name of names) {
      expect(await producer.do('callSync', name)).toBe(name);
    }
  });
});

describe('buffers to be transferred', () => {
  test('stay with the caller when the queue is full', () => {
    const [owner, remote] = connected({ onFull: 'throw', capacity: 2 });
    const payload = new Uint8Array([1, 2, 3]);
    remote.schedule('log', 0);
    expect(codeOf(() => remote.schedule('log', payload, { transfer: [payload.buffer] }))).toBe('ERR_QUEUE_FULL');
    expect(payload).toHaveLength(3);
    owner.loop.runOnce();
    remote.schedule('log', payload, { transfer: [payload.buffer] });
    expect(payload).toHaveLength(0);
    owner.loop.runOnce();
    expect(owner.log).toEqual([0, new Uint8Array([1, 2, 3])]);
  });

  test('stay with the caller when the call is wrong', () => {
    const [owner, remote] = connected();
    const { buffer } = new Uint8Array(4);
    const options = { transfer: [buffer] };
    expect(codeOf(() => remote.schedule(5 as never, buffer, options))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => remote.schedule('log', buffer, { ...options, delta: Number.NaN }))).toBe(
      'ERR_INVALID_ARG_VALUE',
    );
    expect(codeOf(() => remote.callSync('log', buffer, options))).toBe('ERR_WOULD_DEADLOCK');
    expect(() => remote.schedule('log', [buffer, () => {}], options)).toThrow('could not be cloned');
    owner.manager.close();
    expect(codeOf(() => remote.schedule('log', buffer, options))).toBe('ERR_TASK_MANAGER_CLOSED');
    expect(codeOf(() => remote.callSync('log', buffer, options))).toBe('ERR_TASK_MANAGER_CLOSED');
    expect(buffer.byteLength).toBe(4);
  });

  test('are ArrayBuffers: anything else is refused, and nothing is taken', () => {
    const [, remote] = connected();
    const { port1, port2 } = new MessageChannel();
    finallyDo(() => port1.close());
    const buffer = new ArrayBuffer(4);
    for (const other of [port1, new Uint8Array(1), new SharedArrayBuffer(1), 5, null]) {
      const transfer = [buffer, other] as ArrayBuffer[];
      expect(codeOf(() => remote.schedule('log', [buffer, other], { transfer }))).toBe('ERR_INVALID_ARG_TYPE');
    }
    expect(buffer.byteLength).toBe(4);
    port1.postMessage('still here');
    expect(receiveMessageOnPort(port2)).toEqual({ message: 'still here' });
  });

  test('that were transferred already throw a DataCloneError', () => {
    const [owner, remote] = connected();
    const bytes = new Uint8Array(4);
    remote.schedule('log', bytes, { transfer: [bytes.buffer] });
    expect(() => remote.schedule('log', bytes)).toThrow('could not be cloned');
    expect(() => remote.schedule('log', { bytes })).toThrow('could not be cloned');
    remote.schedule('log', new Uint8Array(0));
    owner.loop.runOnce();
    expect(owner.log).toEqual([new Uint8Array(4), new Uint8Array(0)]);
  });
});

test('a handle that is none is refused, and nothing is opened for it', () => {
  const { handle } = new Owner({ loop: new RunLoop() }).manager;
  const changes: object[] = [
    { control: undefined },
    { control: new ArrayBuffer(handle.control.byteLength) },
    { control: new SharedArrayBuffer(4) },
    { control: new SharedArrayBuffer(handle.control.byteLength + 8) },
    ...[undefined, 0, 1, 3, -4, 2 ** 40, Infinity, '4'].map((capacity) => ({ capacity })),
    { channel: 5 },
    { threadId: 'main' },
    { onFull: 'drop' },
    { trigger: null },
    { trigger: {} },
    { trigger: { ...handle.trigger, key: handle.trigger.key + 1 } },
    { trigger: { ...handle.trigger, state: new SharedArrayBuffer(64) } },
  ];
  const before = countDescriptors();
  const handles: unknown[] = changes.map((change) => Object.assign({}, handle, change));
  handles.push(JSON.parse(JSON.stringify(handle)));
  for (const forged of handles) {
    expect(codeOf(() => TaskManager.connect(forged as never))).toBe('ERR_INVALID_HANDLE');
  }
  expect(countDescriptors()).toBe(before);
  TaskManager.connect({ ...handle }).close();
});

test('what is in the queues of a closed manager does not run, and is counted as dropped', () => {
  const [owner, remote] = connected();
  const another = TaskManager.connect(owner.manager.handle);
  remote.schedule('log', 1);
  owner.loop.runOnce();
  remote.schedule('log', 2);
  remote.schedule('log', 3, { delta: 1 });
  remote.schedule('log', new Uint8Array(MEGABYTE / 2), { key: 'key' });
  another.schedule('log', { four: 4 }, { when: 0, priority: 1 });
  owner.manager.close();
  owner.loop.runOnce();
  const { scheduled, run, dropped } = owner.manager.stats();
  expect({ log: owner.log, scheduled, run, dropped }).toEqual({ log: [1], scheduled: 1, run: 1, dropped: 4 });
  expect(codeOf(() => another.schedule('log', 5))).toBe('ERR_TASK_MANAGER_CLOSED');
});
