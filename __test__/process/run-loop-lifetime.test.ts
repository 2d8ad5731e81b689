/** What a loop does to its process: whether it keeps it alive, and its signals. */

import { describe, expect, test } from '@jest/globals';

import { Child, endedWith, runScript, startScript } from '../support/child';
import { fixture, root } from '../support/files';

const both = ['run', 'runSync'] as const;
const threads = ['main', 'worker'] as const;
const everywhere = both.flatMap((way) => threads.map((thread) => ({ way, thread })));

describe('the process is held', () => {
  test('by nothing in a loop that does not run', async () => {
    const { stdout } = await runScript('process/run-loop-in-process.js', ['idle']);
    expect(stdout).toBe('2 members, 1 handle\n');
  });

  test.each(threads)('by run() until stop(), in the %s thread', async (thread) => {
    const { stdout } = await runScript('process/run-loop-in-process.js', ['held', 'run', thread]);
    expect(stdout).toBe('timer\nstopped\n');
  });

  test('by run() although there is nothing in the loop', async () => {
    const child = startScript('process/run-loop-in-process.js', ['forever']);
    await child.printed('ready');
    child.kill('SIGTERM');
    expect((await child.ended).signal).toBe('SIGTERM');
  });

  test('by nothing after run()', async () => {
    const { stdout } = await runScript('process/run-loop-in-process.js', ['over']);
    expect(stdout).toBe('stopped\n');
  });

  test.each(both)('a loop holds its events, and %s() calls them', async (way) => {
    const args = ['--expose-gc', fixture('process/run-loop-in-process.js'), 'collected', way];
    const { stdout } = endedWith(await new Child(process.execPath, args, { cwd: root }).ended, 0);
    expect(stdout).toBe('collected dropped\nread\n');
  });

  test('loops that are garbage close their descriptors', async () => {
    const args = ['--expose-gc', fixture('process/run-loop-in-process.js'), 'loops'];
    const { stdout } = endedWith(await new Child(process.execPath, args, { cwd: root }).ended, 0);
    expect(stdout).toBe('many, then 0 more\n');
  });
});

describe.each(everywhere)('signals and $way() in the $thread thread', ({ way, thread }) => {
  test('none is touched unasked', async () => {
    const child = startScript('process/run-loop-in-process.js', ['signal', way, thread]);
    await child.printed('ready');
    expect(child.stdout).toBe('untouched\nready\n');
    child.kill('SIGTERM');
    expect((await child.ended).signal).toBe('SIGTERM');
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const)('%s stops it, and is given back', async (signal) => {
    const child = startScript('process/run-loop-in-process.js', [
      'signal',
      way,
      thread,
      'SIGTERM,SIGINT,SIGHUP,SIGUSR2',
    ]);
    await child.printed('ready');
    child.kill(signal);
    const { stdout } = endedWith(await child.ended, 0);
    expect(stdout).toBe('touched\nready\nrestored\n');
  });
});

describe.each(both)("signals and the process's own handlers, %s()", (way) => {
  test('they work again when the loop was stopped', async () => {
    const child = startScript('process/run-loop-in-process.js', ['handler', way, 'main', 'SIGUSR2,SIGTERM']);
    await child.printed('ready');
    child.kill('SIGTERM');
    await child.printed('stopped');
    expect(child.stdout).toBe('ready\nstopped\n');
    child.kill('SIGUSR2');
    const { stdout } = endedWith(await child.ended, 0);
    expect(stdout).toBe('ready\nstopped\nhandler\n');
  });

  test('a signal that stops the loop is told to a handler, too', async () => {
    const child = startScript('process/run-loop-in-process.js', ['handler', way, 'main', 'SIGUSR2']);
    await child.printed('ready');
    child.kill('SIGUSR2');
    const { stdout } = endedWith(await child.ended, 0);
    expect(stdout.split('\n').toSorted()).toEqual(['', 'handler', 'ready', 'stopped']);
  });
});

test.each([
  // Always ready, and Windows has no /dev/zero.
  ['FileDispatcher', `require('node:fs').openSync(process.platform === 'win32' ? process.execPath : '/dev/zero', 'r')`],
  ['WaitableEvent', '{ set: true, loop: core }'],
])(
  'an exception that is not caught in a pass of run() is an uncaught one; the loop goes on: %s',
  async (base, args) => {
    const source = `
    const { FileDispatcher, WaitableEvent, core } = require('waitable-event');
    class Unlucky extends ${base} {
      handleRead() { throw new Error('handleRead'); }
      handleError() { throw new Error('handleError'); }
      delChannel() { throw new Error('delChannel'); }
    }
    console.error = () => {};
    const uncaught = new Set();
    process.on('uncaughtException', (error) => uncaught.add(error.message));
    new Unlucky(${args});
    // Behind the one that fails in every pass.
    const event = new WaitableEvent({ loop: core });
    event.handleRead = () => core.stop();
    core.run().then(() => {
      console.log('stopped', ...uncaught);
      process.exit();
    });
    setTimeout(() => event.set(), 10);
  `;
    expect((await runScript({ source })).stdout).toBe('stopped delChannel\n');
  },
);
