import { describe, expect, test } from '@jest/globals';

import { runScript, startScript } from '../support/child';

const PRELUDE = `
  const vm = require('node:vm');
  const { WaitableEvent, RunLoop, TaskManager, core, select } = require('waitable-event');
  const event = new WaitableEvent();
  const channelLoop = new RunLoop();
  event.addChannel(channelLoop);
  const context = vm.createContext({ event, select, core, RunLoop, channelLoop });
`;

const CALLS = [
  'event.wait()',
  'event.wait(1e9)',
  'select([event], [], [])',
  'channelLoop.loop({ timeout: 1e9 })',
  'new RunLoop().runSync()',
  'core.runSync()',
];

describe('a timeout of node:vm', () => {
  test.each(CALLS)('ends %s, as often as it is asked to, and leaves the objects usable', async (call) => {
    const source = `${PRELUDE}
      const codes = [];
      for (let round = 0; round < 3; round += 1) {
        try {
          vm.runInContext(${JSON.stringify(call)}, context, { timeout: 100 });
        } catch (error) {
          codes.push(error.code);
        }
      }
      event.set();
      core.stop();
      core.runSync();
      console.log(codes.join(), event.wait(), core.running);
    `;
    const code = 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    expect((await runScript({ source })).stdout).toBe(`${code},${code},${code} true false\n`);
  });

  test('ends a wait in a worker, in a later turn of its loop, and the worker goes on', async () => {
    const source = `
      const { Worker } = require('node:worker_threads');
      const text = ${JSON.stringify(`${PRELUDE}
        setTimeout(() => {
          try {
            new vm.Script('event.wait()').runInContext(context, { timeout: 100 });
          } catch (error) {
            console.log(error.code, event.wait(1));
          }
        }, 10);
      `)};
      new Worker(text, { eval: true });
    `;
    expect((await runScript({ source })).stdout).toBe('ERR_SCRIPT_EXECUTION_TIMEOUT false\n');
  });

  test('that does not pass changes nothing: a wait ends by its event or its own timeout', async () => {
    const source = `${PRELUDE}
      const results = [vm.runInContext('event.wait(60)', context, { timeout: 1e6 })];
      event.set();
      results.push(vm.runInContext('event.wait()', context, { timeout: 1e6 }));
      console.log(results.join(), Error.stackTraceLimit, Object.hasOwn(Error, 'prepareStackTrace'));
    `;
    const before = await runScript({
      source: `console.log(Error.stackTraceLimit, Object.hasOwn(Error, 'prepareStackTrace'))`,
    });
    expect((await runScript({ source })).stdout).toBe(`false,true ${before.stdout}`);
  });

  test('ends a wait although Error cannot be changed', async () => {
    const source = `${PRELUDE}
      setImmediate(() => {
        Object.freeze(Error);
        try {
          vm.runInContext('event.wait()', context, { timeout: 100 });
        } catch (error) {
          console.log(error.code);
        }
      });
    `;
    expect((await runScript({ source })).stdout).toBe('ERR_SCRIPT_EXECUTION_TIMEOUT\n');
  });
});

describe('SIGINT', () => {
  test('ends a wait that node:vm runs with breakOnSigint, each time', async () => {
    // The worker sends the signal when the code runs: node:vm listens by then.
    const worker = `
      const { workerData } = require('node:worker_threads');
      const { WaitableEvent } = require('waitable-event');
      const started = WaitableEvent.open(workerData);
      for (let round = 0; round < 3; round += 1) {
        started.wait();
        started.clear();
        process.kill(process.pid, 'SIGINT');
      }
    `;
    const source = `${PRELUDE}
      const { Worker } = require('node:worker_threads');
      context.started = new WaitableEvent();
      const codes = [];
      setImmediate(() => {
        new Worker(${JSON.stringify(worker)}, { eval: true, workerData: context.started.handle });
        for (let round = 0; round < 3; round += 1) {
          try {
            vm.runInContext('started.set(); event.wait()', context, { breakOnSigint: true });
          } catch (error) {
            codes.push(error.code);
          }
        }
        console.log(codes.join());
      });
    `;
    const code = 'ERR_SCRIPT_EXECUTION_INTERRUPTED';
    expect((await runScript({ source })).stdout).toBe(`${code},${code},${code}\n`);
  });
});

describe('a runSync() that node:vm has ended', () => {
  test('gives its signals back', async () => {
    const source = `${PRELUDE}
      try {
        vm.runInContext("core.runSync({ stopOn: ['SIGTERM'] })", context, { timeout: 100 });
      } catch (error) {
        console.log(error.code);
      }
      // They are given back in this turn of the event loop, after its timers.
      setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGTERM')));
      setTimeout(() => console.log('still there'), 30_000);
    `;
    const { stdout, signal } = await startScript({ source }).ended;
    expect({ stdout, signal }).toEqual({ stdout: 'ERR_SCRIPT_EXECUTION_TIMEOUT\n', signal: 'SIGTERM' });
  });
});
