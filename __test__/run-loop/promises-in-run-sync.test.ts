/** Promises while `runSync()` blocks its thread: they are settled between passes. */

import { describe, expect, test } from '@jest/globals';

import { endedWith, runScript, startScript } from '../support/child';

/** Runs `code` in the main thread or in a worker of a process of its own. Returns the lines it printed. */
async function linesOf(thread: 'main' | 'worker', code: string): Promise<string[]> {
  const body = `
    const { writeSync } = require('node:fs');
    const { FunctionTask, TaskManager, core } = require('waitable-event');
    const print = (text) => writeSync(1, text + '\\n');
    ${code}
  `;
  const source =
    thread === 'main' ? body : `new (require('node:worker_threads').Worker)(${JSON.stringify(body)}, { eval: true });`;
  return (await runScript({ source })).stdout.trimEnd().split('\n');
}

describe.each(['main', 'worker'] as const)('runSync() in the %s thread', (thread) => {
  test('answers a call of an async handler while it runs', async () => {
    const caller = `
      const { workerData } = require('node:worker_threads');
      const { RunLoop, TaskManager } = require('waitable-event');
      const remote = TaskManager.connect(workerData.tasks);
      require('node:fs').writeSync(1, remote.callSync('add', 1, { timeout: 20000 }) + '\\n');
      RunLoop.connect(workerData.loop).stop();
    `;
    const lines = await linesOf(
      thread,
      `
        core.taskManager.define('add', async (n) => {
          await null;
          await new Promise((resolve) => process.nextTick(resolve));
          return n + 1;
        });
        const workerData = { tasks: core.taskManager.handle, loop: core.handle };
        new (require('node:worker_threads').Worker)(${JSON.stringify(caller)}, { eval: true, workerData });
        core.runSync();
        print('stopped');
      `,
    );
    expect(lines).toEqual(['2', 'stopped']);
  });

  test('runs jobs between handlers, never within one', async () => {
    const lines = await linesOf(
      thread,
      `
        let inside = '';
        const handler = (name) => {
          inside = name;
          Promise.resolve().then(() => print('job of ' + name + (inside ? ' inside ' + inside : '')));
          core.runOnce();
          print(name);
          inside = '';
        };
        core.taskManager.installTask(new FunctionTask(handler, 'task'), { delta: 0 });
        core.deferred(handler, 'deferred');
        core.taskManager.installTask(new FunctionTask(() => core.stop()), { delta: 20 });
        core.runSync();
      `,
    );
    expect(lines.filter((line) => line.includes('inside'))).toEqual([]);
    expect(lines.toSorted()).toEqual(['deferred', 'job of deferred', 'job of task', 'task']);
  });

  test('what nextTick() and promises throw is an uncaught exception, and the loop goes on', async () => {
    const lines = await linesOf(
      thread,
      `
        // Stops after all four of them: a timer might be first.
        let left = 4;
        const arrived = (text) => {
          print(text);
          left -= 1;
          if (left === 0) core.stop();
        };
        process.on('uncaughtException', (error) => {
          arrived(error.message);
        });
        core.deferred(() => {
          process.nextTick(() => { throw new Error('from nextTick'); });
          process.nextTick(() => arrived('next tick'));
          queueMicrotask(() => { throw new Error('from a job'); });
          Promise.reject(new Error('rejected'));
        });
        core.runSync();
        print('stopped');
      `,
    );
    expect(lines.toSorted()).toEqual(['from a job', 'from nextTick', 'next tick', 'rejected', 'stopped']);
    expect(lines.at(-1)).toBe('stopped');
  });

  test('leaves jobs alone when its caller is one, and runs them from setImmediate()', async () => {
    const lines = await linesOf(
      thread,
      `
        const round = (name) => {
          const rejected = Promise.reject(new Error('handled later'));
          process.nextTick(() => print('next tick of ' + name));
          Promise.resolve().then(() => rejected.catch(() => print('job of ' + name)));
          core.deferred(() => core.deferred(() => core.stop()));
          core.runSync();
          print('stopped ' + name);
        };
        Promise.resolve().then(() => round('job'));
        setImmediate(() => setImmediate(() => round('immediate')));
      `,
    );
    expect(lines[0]).toBe('stopped job');
    expect(lines.slice(1, 3).toSorted()).toEqual(['job of job', 'next tick of job']);
    expect(lines.at(-1)).toBe('stopped immediate');
  });
});

test('an uncaught exception of a job ends the process, and a worker, whose loop blocks', async () => {
  const body = `
    const { core } = require('waitable-event');
    core.deferred(() => queueMicrotask(() => { throw new Error('unlucky'); }));
    core.runSync();
  `;
  const main = endedWith(await startScript({ source: body }).ended, 1);
  expect(main.stderr).toContain('unlucky');
  const source = `
    const worker = new (require('node:worker_threads').Worker)(${JSON.stringify(body)}, { eval: true });
    worker.on('error', (error) => console.log(error.message));
  `;
  expect((await runScript({ source })).stdout).toBe('unlucky\n');
});
