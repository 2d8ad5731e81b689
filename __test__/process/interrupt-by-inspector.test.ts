import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';

/**
 * Returns a program whose main thread blocks in `call`, while a worker evaluates code there through the inspector:
 * first a few expressions, then one that waits within the wait. The worker prints what it got.
 */
function program(call: string): string {
  const worker = `
    const { writeSync } = require('node:fs');
    const { Session } = require('node:inspector');
    const { workerData } = require('node:worker_threads');
    const { WaitableEvent } = require('waitable-event');
    const [outer, inner, started, done] = workerData.map((handle) => WaitableEvent.open(handle));
    const session = new Session();
    session.connectToMainThread();
    // Node delivers an answer to a thread that does something.
    setInterval(() => {}, 1);
    const evaluate = (expression) => new Promise((resolve, reject) => {
      session.post('Runtime.evaluate', { expression }, (error, answer) =>
        error ? reject(error) : resolve(answer.result.value));
    });
    async function main() {
      started.wait();
      started.clear();
      for (let round = 0; round < 3; round += 1) {
        writeSync(1, (await evaluate(round + ' + 1')) + ' ');
      }
      const nested = evaluate('started.set(); inner.wait()');
      started.wait();
      // The inner wait sleeps, or is about to. The outer one learns of this by a call of its waker alone.
      outer.set();
      outer.clear();
      inner.set();
      writeSync(1, 'inner ' + (await nested) + '\\n');
      session.disconnect();
      done.set();
    }
    main().catch((error) => writeSync(2, String(error)));
  `;
  return `
    const { writeSync } = require('node:fs');
    const { Worker } = require('node:worker_threads');
    const { WaitableEvent, select } = require('waitable-event');
    const events = [1, 2, 3, 4].map(() => new WaitableEvent());
    const outer = events[0];
    [, globalThis.inner, globalThis.started] = events;
    new Worker(${JSON.stringify(worker)}, { eval: true, workerData: events.map(({ handle }) => handle) });
    started.set();
    const result = ${call};
    // Set when the worker has disconnected.
    events[3].wait();
    writeSync(1, 'outer ' + result + '\\n');
    process.exit(0);
  `;
}

describe('the inspector', () => {
  test.each([
    ['wait()', 'outer.wait()'],
    ['wait() with a timeout', 'outer.wait(15_000)'],
    ['select()', 'select([outer], [], [])[0].length === 1'],
  ])('evaluates code in a thread that blocks in %s, also code that waits', async (_name, call) => {
    const { stdout } = await runScript({ source: program(call) });
    expect(stdout).toBe('1 2 3 inner true\nouter true\n');
  });
});
