import { describe, expect, test } from '@jest/globals';

import { Child, endedWith, runScript } from '../support/child';

const prelude = `
  const { WaitableEvent, selectAsync } = require('waitable-event');
  const event = new WaitableEvent();
  process.on('exit', (code) => console.log('exit', code));
`;

/** Runs a source text; what it prints is returned, a word for each line. */
async function run(source: string, code = 0): Promise<string[]> {
  const { stdout } = await runScript({ source: prelude + source }, [], { code });
  return stdout.trim().split('\n');
}

describe('the process is kept alive', () => {
  test('not by an event alone', async () => {
    expect(await run(`event.set(); event.clear();`)).toEqual(['exit 0']);
  });

  test('by a pending wait, until it has ended', async () => {
    expect(await run(`event.waitAsync(100).then((isSet) => console.log(isSet));`)).toEqual(['false', 'exit 0']);
    expect(await run(`selectAsync([event], [], [], 100).then(() => console.log('selected'));`)).toEqual([
      'selected',
      'exit 0',
    ]);
  });

  test('by a wait that only a worker will end, when nothing else runs', async () => {
    const source = `
      const { Worker } = require('node:worker_threads');
      event.waitAsync().then((isSet) => console.log(isSet));
      new Worker(
        "const { WaitableEvent } = require('waitable-event');" +
        "const event = WaitableEvent.open(require('node:worker_threads').workerData);" +
        "new WaitableEvent().wait(100); event.set();",
        { eval: true, workerData: event.handle },
      ).unref();
    `;
    expect(await run(source)).toEqual(['true', 'exit 0']);
  });

  test('not by a wait with `ref: false`', async () => {
    const source = `event.waitAsync(60_000, { ref: false }).then(console.log); event.waitAsync(undefined, { ref: false });`;
    expect(await run(source)).toEqual(['exit 0']);
  });

  test('by something else, while a wait with `ref: false` is served', async () => {
    const source = `
      const alive = setInterval(() => {}, 1000);
      event.waitAsync(undefined, { ref: false }).then((isSet) => {
        console.log('unreferenced', isSet);
        clearInterval(alive);
      });
      event.waitAsync(20, { ref: false }).then((isSet) => {
        console.log('unreferenced', isSet);
        event.set();
      });
    `;
    expect(await run(source)).toEqual(['unreferenced false', 'unreferenced true', 'exit 0']);
  });

  test('by default, also when another wait has `ref: false`', async () => {
    const source = `
      event.waitAsync(100).then((isSet) => console.log(isSet));
      event.waitAsync(60_000, { ref: false });
      event.waitAsync(50, { ref: true }).then((isSet) => console.log(isSet));
    `;
    expect(await run(source)).toEqual(['false', 'false', 'exit 0']);
  });

  test('not by a wait that has ended: set, timed out, aborted, closed, refused, iterated', async () => {
    const source = `
      (async () => {
        const set = event.waitAsync();
        event.set();
        await set;
        event.clear();
        await event.waitAsync(1);
        const controller = new AbortController();
        const aborted = event.waitAsync(undefined, { signal: controller.signal }).catch(() => console.log('aborted'));
        const selected = selectAsync([event], [], [], undefined, { signal: controller.signal }).catch(() => console.log('aborted'));
        setImmediate(() => controller.abort());
        await Promise.all([aborted, selected]);
        await event.waitAsync('no').catch(() => console.log('refused'));
        await selectAsync([9999], [], []).catch(() => console.log('refused'));
        event.set();
        for await (const _ of event) break;
        const closed = event.waitAsync().catch(() => console.log('closed'));
        event.close();
        await closed;
      })();
    `;
    expect(await run(source)).toEqual(['aborted', 'aborted', 'refused', 'refused', 'closed', 'exit 0']);
  });

  test('a module may await at its top level: the exit code is 0, not the 13 of an await that nothing ends', async () => {
    const source = `
      import { Worker } from 'node:worker_threads';
      import { WaitableEvent } from 'waitable-event';
      const event = new WaitableEvent();
      new Worker(
        "const { WaitableEvent } = require('waitable-event');" +
        "const event = WaitableEvent.open(require('node:worker_threads').workerData);" +
        "new WaitableEvent().wait(100); event.set();",
        { eval: true, execArgv: [], workerData: event.handle },
      ).unref();
      console.log(await event.waitAsync());
    `;
    const child = new Child(process.execPath, ['--input-type=module', '-e', source]);
    expect(endedWith(await child.ended, 0).stdout).toBe('true\n');
  });
});
