/**
 * Signals that several listen to: workers and the main thread with `stopOn`, and listeners of `process.on()`, which
 * begin and end in any order. All who listen are told, and afterwards the signal does what it would do without a loop.
 */

import { describe, expect, test } from '@jest/globals';

import { endedWith, runScript, startScript } from '../support/child';

const everywhere = ['run', 'runSync'].flatMap((way) => ['main', 'worker'].map((thread) => ({ way, thread })));

const script = 'process/signal-orders.js';

/** Returns the letters that stand in `order` an odd number of times: those that still listen. */
function listening(order: string): string {
  return ['M', 'A', 'B', 'R'].filter((letter) => order.split(letter).length % 2 === 0).join('');
}

describe.each([
  ['SIGTERM', 'has a handler of Node from the start'],
  ['SIGUSR2', 'has the default action'],
  ['SIGPIPE', 'is ignored from the start'],
] as const)('%s, which %s', (signal, _action) => {
  test('is told to all who listen, in every order; afterwards its action is as without loops', async () => {
    const { stdout } = await runScript(script, [signal, 'all']);
    const without = await runScript(script, [signal, 'without']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBe(4 + 4 ** 2 + 4 ** 3 + 4 ** 4);
    const wrong = lines.filter((line) => {
      const [, order, told] = /^(\w+): told (\w*),/.exec(line) ?? [];
      return order === undefined || told !== listening(order);
    });
    expect(wrong).toEqual([]);
    expect(stdout.replaceAll(/told \w*/g, 'told')).toBe(without.stdout);
  });
});

test.each(['AA', 'RR', 'AMAM', 'AMMA', 'MAMA', 'MAAM', 'ABAB', 'ARAR', 'ABMRMRAB'])(
  'a signal that nothing listens to any longer ends the process: %s',
  async (order) => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
      const ended = await startScript(script, [signal, order]).ended;
      expect(ended).toMatchObject({ signal, stderr: '' });
    }
  },
);

test('a worker that is terminated while it listens leaves the signal to the others', async () => {
  const source = `
    const { Worker } = require('node:worker_threads');
    const code = \`
      const { core } = require('waitable-event');
      core.deferred(() => require('node:worker_threads').parentPort.postMessage('begun'));
      core.runSync({ stopOn: ['SIGUSR2'] });
    \`;
    (async () => {
      const worker = new Worker(code, { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      const told = new Promise((resolve) => process.once('SIGUSR2', resolve));
      await worker.terminate();
      const alive = setInterval(() => {}, 1000);
      process.kill(process.pid, 'SIGUSR2');
      await told;
      console.log('told');
      process.kill(process.pid, 'SIGUSR2');
    })();
  `;
  expect(await startScript({ source }).ended).toMatchObject({ signal: 'SIGUSR2', stdout: 'told\n', stderr: '' });
});

describe.each(everywhere)('a signal with the loop in $way() in the $thread thread', ({ way, thread }) => {
  test('is told to a listener that was added before the loop ran, and to one that was added while it runs', async () => {
    // A listener is told when Node's event loop of the main thread iterates: after runSync() has returned.
    const source = `
      const { Worker, isMainThread, parentPort } = require('node:worker_threads');
      const { core } = require('waitable-event');
      const told = [];
      const alive = setInterval(() => {}, 1000);
      const tell = (name) => {
        told.push(name);
        if (told.length === 3) {
          clearInterval(alive);
          console.log(told.sort().join());
        }
      };
      const run = async () => core.${way}({ stopOn: ['SIGUSR2'] });
      const meanwhile = () => {
        process.on('SIGUSR2', () => tell('added meanwhile'));
        process.kill(process.pid, 'SIGUSR2');
      };
      process.on('SIGUSR2', () => tell('added before'));
      if (${thread === 'main'}) {
        core.deferred(meanwhile);
        run().then(() => tell('loop'));
      } else {
        const code = \`
          const { parentPort } = require('node:worker_threads');
          const { core } = require('waitable-event');
          core.deferred(() => parentPort.postMessage('begun'));
          (\${run})().then(() => parentPort.postMessage('ended'));
        \`;
        const worker = new Worker(code, { eval: true });
        worker.on('message', (message) => (message === 'begun' ? meanwhile() : tell('loop')));
      }
    `;
    const { stdout } = endedWith(await startScript({ source }).ended, 0);
    expect(stdout).toBe('added before,added meanwhile,loop\n');
  });
});
