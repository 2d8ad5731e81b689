/** Payloads between threads. */

import { types } from 'node:util';

import { describe, expect, test } from '@jest/globals';
import { TaskManager } from 'waitable-event';

import { RemoteOwner } from '../support/remote/task-managers';
import { within } from '../support/timing';
import { toPlain } from '../support/plain-copy';

function firstWords(result: unknown): Int32Array {
  return types.isTypedArray(result)
    ? (result as Int32Array)
    : ((result as { deep: Int32Array[] }).deep[0] as Int32Array);
}

describe('between threads', () => {
  test('a SharedArrayBuffer is shared, in both directions', async () => {
    const [, handle] = await RemoteOwner.start('run');
    const remote = TaskManager.connect(handle);
    const words = new Int32Array(new SharedArrayBuffer(8));
    for (const payload of [words.buffer, { deep: [words] }, words]) {
      const result = await within(remote.call('echo', payload), 'the echo');
      const theirs = payload === words.buffer ? new Int32Array(result as SharedArrayBuffer) : firstWords(result);
      theirs[1] = (words[1] as number) + 1;
      expect(theirs[1]).toBe(words[1]);
    }
    expect(words[1]).toBe(3);
    remote.close();
  });

  test.each(['run', 'runSync'] as const)('everything arrives in order, whichever way it goes, in %s()', async (way) => {
    const [owner, handle] = await RemoteOwner.start(way);
    const remote = TaskManager.connect(handle);
    const mixed = Array.from(
      { length: 300 },
      (_, index) =>
        [
          index,
          `${index}`,
          { index },
          new Map([[index, index]]),
          new SharedArrayBuffer(index + 1),
          Buffer.from([index & 255]),
        ][index % 6],
    );
    mixed.forEach((payload) => remote.schedule('post', payload));
    const messages = await owner.received(mixed.length);
    expect(messages.map(toPlain)).toEqual(mixed.map((payload) => toPlain(structuredClone(payload))));
    remote.close();
  });

  test('a payload is what it was when it was scheduled', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    const remote = TaskManager.connect(handle);
    const bytes = Uint8Array.of(1);
    const object = { a: 1 };
    remote.schedule('post', bytes);
    remote.schedule('post', object);
    bytes[0] = 2;
    object.a = 2;
    expect(await owner.received(2)).toEqual([Uint8Array.of(1), { a: 1 }]);
    remote.close();
  });

  test('a getter of a payload may schedule something itself', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    const remote = TaskManager.connect(handle);
    let calls = 0;
    for (const inner of [7, { inner: 'text' }, 'text', null]) {
      const payload = {
        before: 'before',
        get inner() {
          calls += 1;
          remote.schedule('post', inner);
          return inner;
        },
        after: [1, { two: 2 }],
      };
      remote.schedule('post', payload);
      remote.schedule('post', { before: 'b', inner, after: 'a' });
      const messages = await owner.received(calls + 2);
      expect(messages.splice(0)).toEqual([
        ...Array.from({ length: calls }, () => inner),
        { before: 'before', inner, after: [1, { two: 2 }] },
        { before: 'b', inner, after: 'a' },
      ]);
      calls = 0;
    }
    remote.close();
  });

  test('what a getter throws schedules nothing, and the next objects of its shape arrive', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    const remote = TaskManager.connect(handle);
    const throwing = {
      a: { b: 1 },
      get c(): never {
        throw new RangeError('getter');
      },
    };
    expect(() => remote.schedule('post', throwing)).toThrow('getter');
    remote.schedule('post', { a: { b: 2 }, c: 3 });
    expect(await owner.received(1)).toEqual([{ a: { b: 2 }, c: 3 }]);
    remote.close();
  });

  test('buffers that are transferred are empty here, and there in whole', async () => {
    const [owner, handle] = await RemoteOwner.start('run');
    const remote = TaskManager.connect(handle);
    const [moved, kept] = [new Uint8Array(10).fill(1), new Uint8Array(10).fill(2)];
    remote.schedule('post', { moved, kept }, { transfer: [moved.buffer] });
    expect([moved.length, kept.length]).toEqual([0, 10]);
    expect(await owner.received(1)).toEqual([{ moved: new Uint8Array(10).fill(1), kept }]);
    remote.close();
  });
});
