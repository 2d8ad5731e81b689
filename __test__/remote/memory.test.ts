/** What connections and names cost their owner, and for how long. */

import { BroadcastChannel } from 'node:worker_threads';

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';
import { Owner } from '../support/remote/task-managers';

test('connections that are closed leave their memory to the next ones', async () => {
  const source = `
    const { Worker } = require('node:worker_threads');
    const { core } = require('waitable-event');
    const worker = new Worker(\`
      const { workerData, parentPort } = require('node:worker_threads');
      const { TaskManager } = require('waitable-event');
      (async () => {
        const before = process.memoryUsage().rss;
        for (let round = 0; round < 1000; round += 1) {
          const remote = TaskManager.connect(workerData);
          if (await remote.call('echo', round) !== round) throw new Error('wrong');
          remote.close();
        }
        parentPort.postMessage(process.memoryUsage().rss - before);
      })();
    \`, { eval: true, workerData: core.taskManager.handle });
    core.taskManager.define('echo', (value) => value);
    worker.once('message', (bytes) => {
      console.log(bytes);
      core.stop();
    });
    core.run();
  `;
  const { stdout } = await runScript({ source });
  expect(Number(stdout)).toBeLessThan(250e6);
});

/** Returns how many bytes of shared memory are made during `act`. */
function sharedBytes(act: () => void): number {
  const Original = globalThis.SharedArrayBuffer;
  let bytes = 0;
  globalThis.SharedArrayBuffer = class extends Original {
    constructor(size?: number) {
      super(size);
      bytes += size ?? 0;
    }
  };
  try {
    act();
  } finally {
    globalThis.SharedArrayBuffer = Original;
  }
  return bytes;
}

test('a connection that sends little costs little', () => {
  const manager = new TaskManager({ loop: new RunLoop() });
  finallyDo(() => manager.close());
  const { handle } = manager;
  const bytes = sharedBytes(() => {
    const remote = TaskManager.connect(handle);
    finallyDo(() => remote.close());
    remote.schedule('log', 1);
  });
  // It has been counted, and is not near the 3.3 MiB of two large queues.
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(128 * 1024);
});

test('a reply that comes after its connection was closed does not get into the next one', async () => {
  const owner = new Owner();
  const settle: ((value: unknown) => void)[] = [];
  owner.manager.define('slow', () => new Promise((resolve) => settle.push(resolve)));
  for (let round = 0; round < 20; round += 1) {
    const first = TaskManager.connect(owner.manager.handle);
    const lost = first.call('slow').catch((error: unknown) => (error as { code: string }).code);
    // The manager has read the call by then.
    await first.call('echo');
    first.close();
    expect(await lost).toBe('ERR_TASK_MANAGER_CLOSED');
    // Two passes: the manager notices the end, and lets go of the memory.
    const between = TaskManager.connect(owner.manager.handle);
    await between.call('echo');
    await between.call('echo');
    const second = TaskManager.connect(owner.manager.handle);
    const slow = second.call('slow');
    await second.call('echo');
    settle.shift()?.('late');
    settle.shift()?.(round);
    expect(await slow).toBe(round);
    second.close();
    between.close();
  }
});

test('names without a handler count in the sums, and nothing of them is kept', () => {
  const loop = new RunLoop();
  const errors: string[] = [];
  const manager = new TaskManager({ loop, onError: (_error, name) => errors.push(name) });
  finallyDo(() => manager.close());
  const remote = TaskManager.connect(manager.handle);
  finallyDo(() => remote.close());
  manager.define('known', () => {});
  remote.schedule('known');
  for (let index = 0; index < 20; index += 1) {
    remote.schedule(`remote ${index}`);
    manager.schedule(`local ${index}`);
  }
  remote.schedule('late');
  loop.runOnce();
  manager.define('late', () => {});
  remote.schedule('late');
  loop.runOnce();
  const { byName, scheduled, run, failed } = manager.stats();
  expect([Object.keys(byName).toSorted(), scheduled, run, failed]).toEqual([['known', 'late'], 43, 43, 41]);
  expect(errors).toHaveLength(41);
  expect(errors).toContain('remote 19');
});

/** How many messages a thread has posted to channels when `act` is over. */
async function posted(act: () => unknown): Promise<number> {
  const prototype = BroadcastChannel.prototype as { postMessage(message: unknown): void };
  const { postMessage } = prototype;
  let count = 0;
  prototype.postMessage = function countAndPost(message: unknown): void {
    count += 1;
    postMessage.call(this, message);
  };
  try {
    await act();
  } finally {
    prototype.postMessage = postMessage;
  }
  return count;
}

describe('a payload that only a channel carries, and whose record is never sent', () => {
  test('does not leave its thread: not for a full queue, a timeout or a list of buffers that cannot be moved', async () => {
    const manager = new TaskManager({ loop: new RunLoop(), capacity: 2 });
    finallyDo(() => manager.close());
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    const shared = new SharedArrayBuffer(8);
    const buffer = new ArrayBuffer(8);
    const codes: unknown[] = [];
    const count = await posted(async () => {
      codes.push(nameOf(() => remote.schedule('log', shared, { transfer: [buffer, buffer] })));
      remote.schedule('log', 1);
      codes.push(nameOf(() => remote.schedule('log', shared)));
      codes.push(await remote.call('log', shared, { timeout: 1 }).catch((error: Error) => error.name));
    });
    expect([codes, count]).toEqual([['DataCloneError', 'QueueFullError', 'CallTimeoutError'], 0]);
  });
});

function nameOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
}
