import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { report } from '../support/outcomes';

const WAYS = ['wait()', 'wait() with a timeout', 'select()', 'runSync()', 'loop()', 'callSync()', 'schedule()'];

/** What other threads ask of a worker. Node posts it through the handle that `terminate()` uses as well. */
const REQUESTS = [
  'process.report',
  'getHeapSnapshot',
  'getHeapStatistics',
  'cpuUsage',
  'startCpuProfile',
  'postMessage',
];

/** How often one kind of request is repeated. On Windows a report takes a second or two, without a worker as well. */
const MANY = process.platform === 'win32' ? 5 : 20;

/** Runs fixtures/process/interrupt-blocked-worker.js, and returns what the worker answered. */
async function interrupt(
  way: string,
  rounds: number,
  end: string,
  requests: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string[]> {
  const args = [way, String(rounds), end, ...requests];
  const { stdout } = await runScript('process/interrupt-blocked-worker.js', args, { env });
  const answered = /done: (.*)/.exec(stdout)?.[1];
  if (answered === undefined) {
    throw new Error(`No end: ${stdout}`);
  }
  return answered.split(',');
}

describe('a worker that blocks in', () => {
  test.each(WAYS)('%s answers every request, each time, and can be terminated afterwards', async (way) => {
    const answered = await interrupt(way, 2, 'terminate', REQUESTS);
    expect(answered).toEqual(expect.arrayContaining(['process.report', 'getHeapSnapshot', 'postMessage']));
    const missing = REQUESTS.filter((request) => !answered.includes(request));
    if (way === 'wait()' && missing.length > 0) {
      report(`this version of Node has no ${missing.join(', ')}`);
    }
  });

  test.each(['wait()', 'runSync()'])('%s answers one kind of request many times', async (way) => {
    expect(await interrupt(way, MANY, 'terminate', ['process.report'])).toEqual(['process.report']);
  });

  test.each(WAYS)('%s while its own worker ends lets process.exit() end the process', async (way) => {
    expect(await interrupt(way, 1, 'exit', ['a worker of its own'])).toEqual(['a worker of its own']);
  });

  test.each(WAYS)('%s while its own worker ends can be terminated', async (way) => {
    expect(await interrupt(way, 1, 'terminate', ['a worker of its own'])).toEqual(['a worker of its own']);
  });
});

describe.each(['uv', 'thread'])('with the %s driver, a worker with unread messages that blocks in', (driver) => {
  const env = { WAITABLE_EVENT_DRIVER: driver };

  test.each(WAYS)('%s answers a report and ends', async (way) => {
    const requests = ['postMessage', 'process.report'];
    expect(await interrupt(way, 1, 'terminate', requests, env)).toEqual(requests);
  });

  test.each(WAYS)('%s while an earlier request is pending answers a report and ends', async (way) => {
    const requests = ['a report before', 'postMessage', 'process.report'];
    expect(await interrupt(way, 2, 'terminate', requests, env)).toEqual(requests);
  });

  test.each(WAYS)('%s while an earlier request is pending ends', async (way) => {
    const requests = ['a report before', 'postMessage'];
    expect(await interrupt(way, 1, 'terminate', requests, env)).toEqual(requests);
  });
});

describe('a request to a worker that blocks', () => {
  test.each(['process.report', 'getHeapSnapshot'])(
    '%s does not keep process.exit() from ending it',
    async (request) => {
      expect(await interrupt('wait()', 1, 'exit', [request])).toEqual([request]);
    },
  );
});

describe('a main thread that blocks', () => {
  test('while a worker that blocks ends goes on, and exits', async () => {
    // The worker's end is posted to the main thread's loop, which stands still.
    const source = `
      const { Worker } = require('node:worker_threads');
      const { WaitableEvent } = require('waitable-event');
      const event = new WaitableEvent();
      const worker = new Worker(
        "const { workerData } = require('node:worker_threads');" +
        "const { WaitableEvent } = require('waitable-event');" +
        "WaitableEvent.open(workerData).set(); process.exit(3);",
        { eval: true, workerData: event.handle });
      worker.on('exit', (code) => { console.log('exit', code); process.exit(0); });
      console.log('wait', event.wait());
      console.log('wait again', new WaitableEvent().wait(300));
    `;
    const { stdout } = await runScript({ source });
    expect(stdout).toBe('wait true\nwait again false\nexit 3\n');
  });
});
