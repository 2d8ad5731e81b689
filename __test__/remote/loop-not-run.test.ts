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
