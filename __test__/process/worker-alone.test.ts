/** Processes in which a worker alone has loaded the package: the threads of the binding outlive that worker. */

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';

const SOURCE = `
  const { Worker } = require('node:worker_threads');
  const body = process.argv.at(-1);
  const source = \`(async () => { const { RunLoop, WaitableEvent } = require('waitable-event'); \${body} })();\`;
  (async () => {
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => new Worker(source, { eval: true }).once('exit', resolve));
      // What a thread of the binding still does, it does now.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    console.log('alive');
  })();
`;

test.each([
  ['loaded it', ''],
  ['awaited an event', 'await new WaitableEvent().waitAsync(1);'],
  ['left a wait', 'void new WaitableEvent().waitAsync(60_000, { ref: false });'],
  ['run a loop', 'const loop = new RunLoop(); loop.deferred(() => loop.stop()); await loop.run();'],
  ['asked for numbers', 'const event = new WaitableEvent(); event.fileno(); event.writeFileno(); event.set();'],
])('a process survives the end of a worker that has %s', async (_what, body) => {
  const { stdout } = await runScript({ source: SOURCE }, [body]);
  expect(stdout).toBe('alive\n');
});
