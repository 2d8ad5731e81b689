import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';

/** Runs a program under scripts/jest.mjs, which kills it after so long without output. Returns how it ended. */
async function run(program: string, stall = 2000): Promise<unknown> {
  const source = `
    const { runWhileItPrints } = await import('./scripts/jest.mjs');
    const options = { stdio: ['ignore', 'pipe', 'pipe'] };
    const ended = await runWhileItPrints(process.execPath, ['-e', ${JSON.stringify(program)}], options, ${stall});
    console.log('ended', JSON.stringify(ended));
  `;
  const { stdout } = await runScript({ source: `(async () => {${source}})()` });
  return JSON.parse(/ended (.*)/.exec(stdout)?.[1] ?? 'null');
}

describe('the runner of the tests', () => {
  test('lets a suite that goes on printing take longer than a stall may', async () => {
    const program = `
      let count = 0;
      const timer = setInterval(() => {
        console.log('a test file');
        if ((count += 1) === 30) clearInterval(timer);
      }, 100);
    `;
    expect(await run(program)).toEqual({ code: 0 });
  });

  test('returns the exit code', async () => {
    // It prints nothing, and a busy machine may take long to start it.
    expect(await run('process.exit(3)', 30_000)).toEqual({ code: 3 });
  });

  test('ends a suite that blocks, with a message, and the processes that it has started', async () => {
    const program = `
      const { spawn } = require('node:child_process');
      spawn('sleep', ['1000'], { stdio: 'inherit' });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    `;
    // The child of the program holds the output open. Were it alive, this process would not end.
    expect(await run(program)).toEqual({ code: 1, error: 'killed: it printed nothing for 2 s' });
  });
});
