import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';

const VARIABLE = 'WAITABLE_EVENT_DRIVER';

/** What both drivers must be able to do; prints the names of this process's threads at the end. */
const source = `
  const { readFileSync, readdirSync } = require('node:fs');
  const { Worker } = require('node:worker_threads');
  const { WaitableEvent, RunLoop } = require('waitable-event');
  const results = [];
  (async () => {
    const event = new WaitableEvent();
    const worker = new Worker(
      "const { WaitableEvent } = require('waitable-event');" +
      "const { ping, pong } = require('node:worker_threads').workerData;" +
      "const [a, b] = [WaitableEvent.open(ping), WaitableEvent.open(pong)];" +
      "(async () => { for await (const _ of a) { b.set(); b.clear(); return; } })();",
      { eval: true, workerData: { ping: event.handle, pong: (global.pong = new WaitableEvent()).handle } },
    );
    const exit = new Promise((resolve) => worker.on('exit', resolve));
    const answer = pong.waitAsync(20000);
    event.set();
    results.push(await answer);
    results.push(await event.waitAsync(1));
    await exit;
    class Member extends WaitableEvent {
      handleRead() { this.clear(); results.push('read'); loop.stop(); }
    }
    const loop = new RunLoop();
    new Member({ set: true, loop });
    await loop.run();
    const names = readdirSync('/proc/self/task').map((tid) => readFileSync('/proc/self/task/' + tid + '/comm', 'utf8').trim());
    console.log(JSON.stringify({ results, threads: names.filter((name) => name === 'waitable-event').length }));
  })();
`;

async function run(driver: string | undefined): Promise<unknown> {
  return JSON.parse((await runScript({ source }, [], { env: { [VARIABLE]: driver } })).stdout);
}

describe('WAITABLE_EVENT_DRIVER', () => {
  const results = [true, false, 'read'];

  test('"uv" has libuv watch, without a thread', async () => {
    expect(await run('uv')).toEqual({ results, threads: 0 });
  });

  test('"thread" has a thread watch, one for the whole process', async () => {
    expect(await run('thread')).toEqual({ results, threads: 1 });
  });

  test('left out or empty, it is libuv on Node', async () => {
    expect(await run(undefined)).toEqual({ results, threads: 0 });
    expect(await run('')).toEqual({ results, threads: 0 });
  });

  test.each(['UV', 'threads', '1', ' uv', 'constructor'])('%p is refused at require(), with a code', async (driver) => {
    const script = {
      source: `
        try { require('waitable-event'); } catch (error) { console.log(error.name, error.code, error.message); process.exit(3); }
      `,
    };
    const { stdout } = await runScript(script, [], { code: 3, env: { [VARIABLE]: driver } });
    expect(stdout).toContain('ERR_INVALID_ARG_VALUE');
    expect(stdout).toContain(VARIABLE);
    expect(stdout).toContain(`'${driver}'`);
  });
});
