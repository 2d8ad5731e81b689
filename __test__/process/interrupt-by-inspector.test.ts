import { describe, expect, test } from '@jest/globals';

import { runScript, startScript } from '../support/child';

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

  // V8 ends what it evaluates from a thread that posts nothing to the event loop.
  test('ends a wait that it evaluates with a timeout for its own thread', async () => {
    const source = `
      const { Session } = require('node:inspector');
      const { WaitableEvent } = require('waitable-event');
      globalThis.event = new WaitableEvent();
      setImmediate(() => {
        const session = new Session();
        session.connect();
        session.post('Runtime.evaluate', { expression: 'event.wait()', timeout: 50 }, ({ message }) => {
          console.log(message);
          event.close();
        });
      });
    `;
    expect((await runScript({ source })).stdout).toContain('Execution was terminated');
  });

  test.each([
    ['that is idle', 'setInterval(() => {}, 1e6); started.set();'],
    ['that blocks', 'setInterval(() => {}, 1e6); setImmediate(() => { started.set(); outer.wait(); });'],
  ])('ends a wait that it evaluates with a timeout for another thread %s', async (_name, call) => {
    const worker = `
      const { writeSync } = require('node:fs');
      const { Session } = require('node:inspector');
      const { workerData } = require('node:worker_threads');
      const { WaitableEvent } = require('waitable-event');
      const started = WaitableEvent.open(workerData);
      const session = new Session();
      session.connectToMainThread();
      setInterval(() => {}, 1);
      started.wait();
      session.post('Runtime.evaluate', { expression: 'inner.wait()', timeout: 50 }, ({ message }) => {
        writeSync(1, message);
        process.kill(process.pid, 'SIGKILL');
      });
    `;
    const source = `
      const { Worker } = require('node:worker_threads');
      const { WaitableEvent } = require('waitable-event');
      const started = new WaitableEvent();
      globalThis.outer = new WaitableEvent();
      globalThis.inner = new WaitableEvent();
      new Worker(${JSON.stringify(worker)}, { eval: true, workerData: started.handle });
      ${call}
    `;
    expect((await startScript({ source }).ended).stdout).toContain('Execution was terminated');
  });
});
