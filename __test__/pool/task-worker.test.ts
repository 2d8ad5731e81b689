/** A worker that serves: its start, its tasks and its end. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

import { describe, expect, test } from '@jest/globals';

import { WaitableEvent, core } from 'waitable-event';
import { TaskWorker, parent, serve } from 'waitable-event/pool';

import { finallyDo } from '../support/clean-up';
import { fixture, root, temporaryPath } from '../support/files';
import { report } from '../support/outcomes';
import { MODULE, TIME_LIMIT, makeSharedWords, rejection, startWorker, within } from '../support/pool';

/** Writes a module that can require the package. */
function writeModule(name: string, text: string): string {
  const path = temporaryPath(name);
  const pool = join(root, 'lib', 'pool.js');
  // import() takes no path of Windows.
  const specifier = /\.m[jt]s$/.test(name) ? pathToFileURL(pool).href : pool;
  writeFileSync(path, text.replace("'waitable-event/pool'", JSON.stringify(specifier)));
  return path;
}

describe('the start', () => {
  test('is over when the worker serves', async () => {
    const worker = startWorker();
    expect(worker).toBeInstanceOf(Worker);
    expect(await within(worker.ready, 'the start')).toBe(worker.tasks);
    expect(await worker.tasks.call('add', [1, 2])).toBe(3);
    expect(worker.tasks.callSync('later', 'x')).toBe('x');
  });

  test('can be waited for by a program that is synchronous', () => {
    expect(startWorker().readySync(TIME_LIMIT).callSync('add', [1, 2])).toBe(3);
  });

  test('leaves workerData to the program', () => {
    const worker = startWorker(pathToFileURL(MODULE), { workerData: { a: [1] } });
    expect(worker.readySync(TIME_LIMIT).callSync('data')).toEqual({ a: [1] });
  });

  test.each([
    ['served.mjs', "import pool from 'waitable-event/pool'; await pool.serve({ one: () => 1 });"],
    ['served.cjs', "require('waitable-event/pool').serve({ one: () => 1 });"],
  ])('loads %s', (name, text) => {
    expect(startWorker(writeModule(name, text)).readySync(TIME_LIMIT).callSync('one')).toBe(1);
  });

  test('survives a garbage collection before the worker serves', async () => {
    const lines = [
      `const { collect } = require(${JSON.stringify(join(root, '__test__/support/collect.js'))});`,
      "const { serve } = require('waitable-event/pool');",
      '(async () => {',
      '  for (let times = 0; times < 20; times += 1) {',
      '    collect();',
      '    await new Promise((resolve) => { setTimeout(resolve, 1); });',
      '  }',
      '  serve({ one: () => 1 });',
      '})();',
    ];
    const worker = startWorker(writeModule('collecting.cjs', lines.join('\n')));
    await within(worker.ready, 'the start');
    expect(await worker.tasks.call('one')).toBe(1);
  });

  const canStrip = (process.features as { typescript?: unknown }).typescript;

  test.each([
    ['typed.ts', "const pool = require('waitable-event/pool');"],
    ['typed.cts', "const pool = require('waitable-event/pool');"],
    ['typed.mts', "import pool from 'waitable-event/pool';"],
  ])('loads %s where Node strips types', (name, line) => {
    if (canStrip === undefined || canStrip === false) {
      report('not tested: this Node does not strip types');
      return;
    }
    const text = `${line}\ninterface Handlers { one(value: number): number }\npool.serve({ one: (value: number): number => value + 1 });`;
    expect(startWorker(writeModule(name, text)).readySync(TIME_LIMIT).callSync('one', 1)).toBe(2);
  });

  test('has tasks only when it is over', () => {
    expect(() => startWorker().tasks).toThrow(expect.objectContaining({ code: 'ERR_WORKER_NOT_READY' }));
    expect(() => startWorker().readySync(0)).toThrow(expect.objectContaining({ code: 'ERR_WORKER_NOT_READY' }));
  });

  test('fails with what the module throws, blocking and not', async () => {
    const module = writeModule('broken.cjs', "throw Object.assign(new RangeError('broken'), { a: 1 });");
    const expected = expect.objectContaining({ name: 'RangeError', message: 'broken', a: 1 });
    expect(() => startWorker(module).readySync()).toThrow(expected);
    expect(await rejection(startWorker(module).ready)).toEqual(expected);
  });

  test.each([
    ['is not there', '/not/there.js', 'ERR_MODULE_NOT_FOUND'],
    ['ends its thread', writeModule('ends.cjs', 'process.exit(5);'), 'ERR_WORKER_FAILED'],
    ['does not serve', writeModule('idle.cjs', ''), 'ERR_WORKER_FAILED'],
  ])('fails when the module %s', async (_what, module, code) => {
    expect(() => startWorker(module).readySync()).toThrow(expect.objectContaining({ code }));
    const worker = startWorker(module);
    expect(await rejection(worker.ready)).toMatchObject({ code });
    expect(() => worker.tasks).toThrow(expect.objectContaining({ code }));
  });

  test('refuses invalid arguments', () => {
    const refused = expect.objectContaining({ code: expect.stringMatching(/^ERR_INVALID_ARG_/) });
    expect(() => new TaskWorker(5 as never)).toThrow(refused);
    expect(() => new TaskWorker(MODULE, { concurrency: 0 })).toThrow(refused);
    expect(() => new TaskWorker(MODULE, { eval: true } as never)).toThrow(refused);
    expect(() => new TaskWorker(MODULE, { parent: {} as never })).toThrow(refused);
  });
});

describe('both directions', () => {
  test('the worker reaches the manager of the thread that started it', async () => {
    core.taskManager.define('double', (value: number) => 2 * value);
    const run = core.run();
    finallyDo(() => core.stop());
    const worker = startWorker();
    await within(worker.ready, 'the start');
    expect(await within(worker.tasks.call('askParent', 4), 'the answer')).toBe(8);
    core.stop();
    await run;
  });

  test('serve() and parent() refuse other threads', async () => {
    expect(() => parent()).toThrow(expect.objectContaining({ code: 'ERR_NOT_A_TASK_WORKER' }));
    expect(await rejection(serve({}))).toMatchObject({ code: 'ERR_NOT_A_TASK_WORKER' });
  });

  test('a worker of a worker that serves is not taken for one', async () => {
    const worker = startWorker(fixture('pool/start-plain-worker.js'));
    await within(worker.ready, 'the start');
    expect(await within(worker.tasks.call('ask'), 'the answer')).toBe('ERR_NOT_A_TASK_WORKER');
  });
});

describe('the end', () => {
  test('answers what was asked', async () => {
    const worker = startWorker();
    const tasks = await within(worker.ready, 'the start');
    const event = new WaitableEvent();
    const held = tasks.call('hold', event.handle);
    const sum = tasks.call('add', [1, 2]);
    const later = tasks.call('later', 1);
    const words = makeSharedWords();
    const aborted = tasks.call('untilAborted', words, { timeout: 50 });
    expect(await rejection(aborted)).toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    const closing = worker.close();
    expect(await sum).toBe(3);
    expect(await later).toBe(1);
    event.set();
    expect(await within(held, 'the held task')).toBe('held');
    await within(closing, 'the end');
    expect(tasks.closed).toBe(true);
    await worker[Symbol.asyncDispose]();
  });

  test('before the worker serves is an error of ready', async () => {
    const worker = startWorker();
    await within(worker.close(), 'the end');
    expect(await rejection(worker.ready)).toMatchObject({ code: 'ERR_WORKER_FAILED' });
  });

  test('of a worker that ends itself rejects its calls', async () => {
    const worker = startWorker();
    await within(worker.ready, 'the start');
    expect(await rejection(worker.tasks.call('exit', 0))).toMatchObject({ code: 'ERR_TASK_MANAGER_CLOSED' });
    await within(worker.close(), 'the end');
  });
});

test('no more promises are pending than the concurrency says', async () => {
  const worker = startWorker(MODULE, { concurrency: 2 });
  const tasks = await within(worker.ready, 'the start');
  const events = Array.from({ length: 4 }, () => new WaitableEvent());
  const held = events.map(({ handle }) => tasks.call('hold', handle));
  // In the opposite order: each is set before its task may begin, or after that.
  events.toReversed().forEach((event) => event.set());
  expect(await within(Promise.all(held), 'the tasks')).toEqual(['held', 'held', 'held', 'held']);
  expect(tasks.callSync('most')).toBe(2);
});
