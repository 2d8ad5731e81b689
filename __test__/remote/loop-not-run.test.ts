/** What threads learn of a manager whose loop does not run, or has stopped. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';
import { rejectionOf } from '../support/outcomes';
import { within } from '../support/timing';

test('the timeout of a call says that nothing was read', async () => {
  const manager = new TaskManager({ loop: new RunLoop() });
  finallyDo(() => manager.close());
  const remote = TaskManager.connect(manager.handle);
  finallyDo(() => remote.close());
  await expect(remote.call('never', 1, { timeout: 5 })).rejects.toThrow(/its loop does not run/);
});

test('what is sent to a loop that does not run leads to a warning, once', async () => {
  const source = `
    const { Worker } = require('node:worker_threads');
    const { core } = require('waitable-event');
    new Worker(\`
      const { TaskManager } = require('waitable-event');
      const remote = TaskManager.connect(require('node:worker_threads').workerData);
      remote.schedule('lost');
      setInterval(() => {}, 1000);
    \`, { eval: true, workerData: core.taskManager.handle });
    process.on('warning', ({ code }) => {
      console.log(code);
      setTimeout(() => process.exit(), 10);
    });
  `;
  expect((await runScript({ source })).stdout).toBe('WAITABLE_EVENT_NOT_RUNNING\n');
});

test.each(['run', 'runSync'])('what is sent after %s() has ended leads to a warning, once', async (way) => {
  const source = `
    const { Worker } = require('node:worker_threads');
    const { core } = require('waitable-event');
    const worker = new Worker(\`
      const { workerData, parentPort } = require('node:worker_threads');
      const remote = require('waitable-event').TaskManager.connect(workerData);
      remote.schedule('first');
      parentPort.once('message', () => remote.schedule('lost'));
    \`, { eval: true, workerData: core.taskManager.handle });
    core.taskManager.define('first', () => core.stop());
    core.taskManager.define('lost', () => console.log('ran'));
    (async () => {
      await core.${way}();
      worker.postMessage('go on');
      process.on('warning', ({ code }) => {
        console.log(code);
        // The tasks are not lost: the next run has them.
        core.runOnce();
      });
      setTimeout(() => process.exit(), 4500);
    })();
  `;
  expect((await runScript({ source })).stdout).toBe('WAITABLE_EVENT_NOT_RUNNING\nran\n');
});

/** Ends a process while another thread has sent three tasks, after the statements in `before`. */
async function endWith(before: string): Promise<string> {
  const source = `
    const { Worker } = require('node:worker_threads');
    const { core } = require('waitable-event');
    new Worker(\`
      const { workerData, parentPort } = require('node:worker_threads');
      const remote = require('waitable-event').TaskManager.connect(workerData);
      for (let index = 0; index < 3; index += 1) remote.schedule('task');
      parentPort.postMessage('sent');
    \`, { eval: true, workerData: core.taskManager.handle }).once('message', () => {
      process.on('warning', ({ code, message }) => console.log(code, /\\d+/.exec(message)[0]));
      ${before}
      process.exit();
    });
  `;
  return (await runScript({ source })).stdout;
}

describe('at the end of the process', () => {
  test('tasks of other threads that were not read are counted in a warning', async () => {
    expect(await endWith('')).toBe('WAITABLE_EVENT_NOT_RUNNING 3\n');
  });

  test.each(['core.runOnce();', 'core.taskManager.close();'])('there is none after %s', async (before) => {
    expect(await endWith(`core.taskManager.define('task', () => {}); ${before}`)).toBe('');
  });
});

describe('run({ close: true })', () => {
  test('closes the manager when the loop stops, so that callers are told', async () => {
    const loop = new RunLoop();
    const remote = TaskManager.connect(loop.taskManager.handle);
    loop.taskManager.define('stop', () => {
      loop.stop();
      return new Promise(() => {});
    });
    const call = rejectionOf(remote.call('stop'));
    await within(loop.run({ close: true }), 'the loop');
    expect([await call, remote.closed]).toEqual(['ERR_TASK_MANAGER_CLOSED', true]);
  });

  test.each(['run', 'runSync'] as const)('does so in %s(), also when stop() came first', async (way) => {
    const loop = new RunLoop();
    const remote = TaskManager.connect(loop.taskManager.handle);
    loop.stop();
    await loop[way]({ close: false });
    expect(remote.closed).toBe(false);
    loop.deferred(() => loop.stop());
    await loop[way]({ close: true });
    expect(remote.closed).toBe(true);
  });
});
