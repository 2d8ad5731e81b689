/** What a thread can do to a manager whose handle it has, and to the manager's other producers. */

import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { describe, expect, jest, test } from '@jest/globals';
import * as facade from 'waitable-event';
import { RunLoop, TaskManager } from 'waitable-event';

import { runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';
import { makeRandom } from '../support/random';
import { Owner, Producer } from '../support/remote/task-managers';
import { until } from '../support/threads';
import { within } from '../support/timing';

/** The introduction of a new connection to `manager`, with all the memory in it. */
function introductionTo(manager: TaskManager): Record<string, unknown> {
  const prototype = BroadcastChannel.prototype as { postMessage(message: unknown): void };
  const { postMessage } = prototype;
  const posted: unknown[] = [];
  prototype.postMessage = function postAndKeep(message: unknown): void {
    posted.push(message);
    postMessage.call(this, message);
  };
  try {
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
  } finally {
    prototype.postMessage = postMessage;
  }
  return (posted[0] as { introduction: Record<string, unknown> }).introduction;
}

describe('what is posted to the channel that the handle names', () => {
  test('garbage does no harm', async () => {
    const owner = new Owner();
    const { handle } = owner.manager;
    const introduction = introductionTo(owner.manager);
    const channel = new BroadcastChannel(handle.channel);
    finallyDo(() => channel.close());
    const shared = new SharedArrayBuffer(64);
    const messages: unknown[] = [null, undefined, 5, 'text', [], {}, { introduction: null }, { introduction: {} }];
    for (const key of Object.keys(introduction)) {
      for (const value of [undefined, null, 5, -1, 2 ** 40, 'text', {}, shared, new ArrayBuffer(8)]) {
        messages.push({ introduction: { ...introduction, [key]: value } });
      }
    }
    const ring = introduction['ring'] as Record<string, unknown>;
    const area = ring['area'] as Record<string, unknown>;
    for (const value of [undefined, null, 0, 3, 2 ** 30, 'text', shared, ring['words'], area['slots'], area['bytes']]) {
      for (const key of Object.keys(ring)) {
        messages.push({ introduction: { ...introduction, ring: { ...ring, [key]: value } } });
      }
      for (const key of Object.keys(area)) {
        const garbage = { ...ring, area: { ...area, [key]: value } };
        messages.push({ introduction: { ...introduction, ring: garbage } });
      }
    }
    messages.push({ claim: 1 }, { claim: {}, from: null, payload: 1 });
    messages.forEach((message) => channel.postMessage(message));
    const producer = new Producer(handle);
    for (let round = 0; round < 3; round += 1) {
      expect(await producer.do('callSync', 'echo', round)).toBe(round);
    }
    expect(owner.errors).toEqual([]);
  });

  test('the memory of a producer is not there: only its owner gets that', async () => {
    const owner = new Owner();
    const channel = new BroadcastChannel(owner.manager.handle.channel);
    finallyDo(() => channel.close());
    for (let round = 0; round < 12; round += 1) {
      const producer = new Producer(owner.manager.handle);
      expect(await producer.do('callSync', 'echo', round)).toBe(round);
      await producer.do('schedule', 'log', new SharedArrayBuffer(8));
    }
    await owner.logged(12);
    expect(receiveMessageOnPort(channel as never)).toBeUndefined();
  });
});

describe('more connections at once than the owner has offered channels for', () => {
  const CONNECTIONS = 40;

  test('of its own thread are not seen by others', () => {
    const owner = new Owner({ loop: new RunLoop() });
    const channel = new BroadcastChannel(owner.manager.handle.channel);
    finallyDo(() => channel.close());
    for (let index = 0; index < CONNECTIONS; index += 1) {
      const remote = TaskManager.connect(owner.manager.handle);
      finallyDo(() => remote.close());
      remote.schedule('log', new SharedArrayBuffer(index));
    }
    expect(receiveMessageOnPort(channel as never)).toBeUndefined();
    owner.loop.runOnce();
    expect(owner.log.map((memory) => (memory as SharedArrayBuffer).byteLength)).toEqual(
      Array.from({ length: CONNECTIONS }, (_, index) => index),
    );
  });

  test('of another thread are not, either', async () => {
    const source = `
      const { BroadcastChannel, Worker, receiveMessageOnPort } = require('node:worker_threads');
      const { core } = require('waitable-event');
      const { handle } = core.taskManager;
      const channel = new BroadcastChannel(handle.channel);
      let count = 0;
      core.taskManager.define('count', ({ memory }) => (count += memory.byteLength));
      const worker = new Worker(\`
        const { workerData } = require('node:worker_threads');
        const { TaskManager } = require('waitable-event');
        for (let index = 0; index < ${CONNECTIONS}; index += 1) {
          TaskManager.connect(workerData).schedule('count', { memory: new SharedArrayBuffer(1) });
        }
      \`, { eval: true, workerData: handle });
      worker.once('exit', () => core.deferred(() => core.stop()));
      core.run().then(() => {
        console.log(count, receiveMessageOnPort(channel));
        process.exit();
      });
    `;
    expect((await runScript({ source })).stdout).toBe(`${CONNECTIONS} undefined\n`);
  });
});

test('garbage in the memory of one producer hurts that producer alone', async () => {
  const owner = new Owner();
  const next = makeRandom(20_261);
  const good = new Producer(owner.manager.handle);
  await good.reached(0);
  for (let round = 0; round < 150; round += 1) {
    const introduction = introductionTo(owner.manager);
    const memories = ['ring', 'replies'].flatMap((name) => {
      const { words, area } = introduction[name] as { words: SharedArrayBuffer; area: object };
      return [words, ...(Object.values(area) as SharedArrayBuffer[])].map((memory) => new Int32Array(memory));
    });
    memories.push(new Int32Array(introduction['activity'] as SharedArrayBuffer));
    for (let write = 0; write < 300; write += 1) {
      const memory = memories[Math.floor(next() * memories.length)] as Int32Array;
      const index = Math.floor(next() ** 4 * memory.length);
      memory[index] = [next() * 2 ** 32, next() * 256, next() * 4, -1][Math.floor(next() * 4)] as number;
    }
    const [words] = memories as [Int32Array];
    // So many records, in the word in which their number is.
    words[0] = 2 * Math.floor(next() * 40);
    // Wakes the owner, which reads them.
    expect(await good.do('callSync', 'echo', round)).toBe(round);
  }
  await within(good.do('schedule', 'log', 'end'), 'a task');
  await until(() => owner.log.includes('end'), 'the end');
});

test('the words of the handle: garbage there does not end the owner', async () => {
  const owner = new Owner({ loop: new RunLoop() });
  const remote = TaskManager.connect(owner.manager.handle);
  finallyDo(() => remote.close());
  new Int32Array(owner.manager.handle.control).fill(-1);
  remote.schedule('log', 1);
  owner.loop.runOnce();
  owner.loop.runOnce();
  expect(owner.log).toEqual([1]);
});

test('two copies of the package in one thread get their own answers', async () => {
  const owner = new Owner();
  const copies: (typeof facade)[] = [facade];
  jest.isolateModules(() => {
    copies.push(require('waitable-event') as typeof facade);
    copies.push(require('waitable-event') as typeof facade);
  });
  owner.manager.define('shared', (index: number) => ({ index, memory: new SharedArrayBuffer(8) }));
  const remotes = copies.map((copy) => copy.TaskManager.connect(owner.manager.handle));
  for (let round = 0; round < 5; round += 1) {
    const answers = await within(
      Promise.all(remotes.map((remote, index) => remote.call('shared', index))),
      'the answers',
    );
    expect(answers.map((answer) => (answer as { index: number }).index)).toEqual(copies.map((_, index) => index));
  }
  remotes.forEach((remote) => remote.close());
});
