/** What NODE_DEBUG=waitable-event prints. */

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';

const program = `
  const { Worker } = require('node:worker_threads');
  const { FunctionTask, core } = require('waitable-event');
  core.taskManager.define('greet', () => new FunctionTask(core.stop).installTask({ delta: 20 }));
  new Worker(\`
    const { workerData } = require('node:worker_threads');
    const { FunctionTask, TaskManager, core } = require('waitable-event');
    const remote = TaskManager.connect(workerData);
    new FunctionTask(() => { remote.callSync('greet'); remote.close(); core.stop(); }).installTask({ delta: 500 });
    core.runSync();
  \`, { eval: true, workerData: core.taskManager.handle });
  core.run({ close: true }).then(() => core.close());
`;

// The task of the worker is not due before its loop sleeps for the first time, on a busy machine either.
test('connections, sleeps, wake-ups and closes are one line each', async () => {
  const { stderr } = await runScript({ source: program }, [], { env: { NODE_DEBUG: 'waitable-event' } });
  const lines = stderr.trim().split('\n');
  expect(lines.filter((line) => !/^WAITABLE-EVENT \d+: thread [01]: \S/.test(line))).toEqual([]);
  const of = (thread: number): string =>
    lines
      .filter((line) => line.includes(`: thread ${thread}: `))
      .map((line) => line.replace(/^.*: thread \d: /, '').replace(/\d+\.\d+ ms/, 'N ms'))
      .join('\n');
  expect(of(1)).toMatch(
    /connected to the task manager of thread 0\nthe loop sleeps for at most N ms\nthe loop wakes up/,
  );
  expect(of(1)).toMatch(/the connection to thread 0 is closed/);
  // In either order: the worker may connect before this thread sleeps.
  expect(of(0)).toMatch(/^(?:the loop sleeps|thread 1 has connected)\n/);
  expect(of(0)).toMatch(/(?:^|\n)the loop sleeps\n/);
  expect(of(0)).toMatch(/\nthe loop wakes up\n/);
  expect(of(0)).toMatch(/(?:^|\n)thread 1 has connected\n/);
  expect(of(0)).toMatch(/\nthe task manager is closed\nthe loop is closed$/);
});

test('nothing is printed without it', async () => {
  const { stderr } = await runScript({ source: program });
  expect(stderr).toBe('');
});
