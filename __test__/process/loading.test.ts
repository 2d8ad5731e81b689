/** Which files of the package a program loads, and when. */

import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, test } from '@jest/globals';

import { Child, endedWith, runScript } from '../support/child';
import { temporaryPath } from '../support/files';

/** Before a program: what it calls to print the files of the package that are loaded. */
const PRELUDE = `
const { basename, dirname } = require('node:path');
const folder = dirname(require.resolve('waitable-event'));
const print = () => {
  const files = Object.keys(require.cache).filter((file) => dirname(file) === folder);
  console.log(files.map((file) => basename(file)).sort().join(' '));
};
`;

async function filesAfter(program: string): Promise<string[]> {
  const { stdout } = await runScript({ source: PRELUDE + program });
  return stdout.trim().split('\n');
}

describe('a program', () => {
  test('that sets and waits loads no loop', async () => {
    const lines = await filesAfter(`
      const { WaitableEvent, select, selectAsync } = require('waitable-event');
      const event = new WaitableEvent();
      event.set();
      event.wait();
      select([event], [], [], 0);
      selectAsync([event]).then(print);
    `);
    expect(lines).toEqual(['index.js shared.js']);
  });

  test('that schedules tasks of another thread loads no loop', async () => {
    const lines = await filesAfter(`
      const { Worker } = require('node:worker_threads');
      const source = ${JSON.stringify(PRELUDE)} + \`
        const { TaskManager } = require('waitable-event');
        const remote = TaskManager.connect(require('node:worker_threads').workerData);
        remote.call('echo', 1).then(() => { print(); remote.close(); });
      \`;
      const { core } = require('waitable-event');
      core.taskManager.define('echo', (value) => value);
      void core.run();
      new Worker(source, { eval: true, workerData: core.taskManager.handle }).on('exit', () => core.stop());
    `);
    expect(lines).toEqual(['client.js index.js shared.js transport.js']);
  });

  test('that has a class of tasks loads no loop', async () => {
    const lines = await filesAfter(`
      const { Task } = require('waitable-event');
      class Chore extends Task {}
      print();
    `);
    expect(lines).toEqual(['index.js shared.js tasks.js']);
  });

  test.each([
    ['uses it', "require('waitable-event').core;"],
    ['installs a task', "new (class extends require('waitable-event').Task {})().installTask({ delta: 1 });"],
    ['adds a channel to the default loop', "new (require('waitable-event').WaitableEvent)().addChannel();"],
  ])('that needs the default loop because it %s loads it, once', async (_what, program) => {
    const lines = await filesAfter(`
      require('waitable-event');
      print();
      ${program}
      print();
      const { core } = require('waitable-event');
      console.log(core === require('waitable-event').core);
    `);
    expect(lines).toEqual(['index.js shared.js', 'index.js loop.js shared.js tasks.js', 'true']);
  });

  test('that empties the cache of modules goes on with the copy that it has', async () => {
    const lines = await filesAfter(`
      const all = require('waitable-event');
      Object.keys(require.cache).forEach((file) => delete require.cache[file]);
      const { TaskManager, WaitableEvent, core } = all;
      const event = new WaitableEvent();
      event.addChannel(core);
      core.taskManager.define('double', (value) => 2 * value);
      const remote = TaskManager.connect(core.taskManager.handle);
      void core.run();
      remote.call('double', 4).then((result) => {
        console.log(result);
        remote.close();
        event.close();
        core.stop();
        print();
      });
    `);
    expect(lines).toEqual(['8', 'client.js loop.js server.js tasks.js transport.js']);
  });

  test('has the same exports by require() and by import', async () => {
    // In a file: Deno has no import() in a program of the command line.
    const path = temporaryPath('program.cjs');
    const entry = require.resolve('waitable-event');
    const program = `
      const all = require(${JSON.stringify(entry)});
      import(${JSON.stringify(pathToFileURL(entry))}).then((namespace) => {
        const { default: whole, 'module.exports': same, ...names } = namespace;
        console.log(whole === all);
        const wrong = Object.keys(all).filter((name) => names[name] !== all[name]);
        console.log(wrong.length, Object.keys(names).filter((name) => !(name in all)).length);
        console.log(Object.keys(all).length > 40);
      });
    `;
    writeFileSync(path, program);
    const { stdout } = endedWith(await new Child(process.execPath, [path]).ended, 0);
    const lines = stdout.trim().split('\n');
    expect(lines).toEqual(['true', '0 0', 'true']);
    expect(basename(entry)).toBe('index.js');
  });
});
