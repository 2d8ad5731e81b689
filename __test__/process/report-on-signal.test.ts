import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';

test('process.report on a signal waits for the end of runSync()', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
  finallyDo(() => rmSync(directory, { recursive: true }));
  const worker = `
    const { workerData } = require('node:worker_threads');
    const { RunLoop } = require('waitable-event');
    process.kill(process.pid, 'SIGUSR2');
    RunLoop.connect(workerData).stop();
  `;
  const source = `
    const { existsSync } = require('node:fs');
    const { Worker } = require('node:worker_threads');
    const { core } = require('waitable-event');
    const file = ${JSON.stringify(join(directory, 'report.json'))};
    setImmediate(() => {
      new Worker(${JSON.stringify(worker)}, { eval: true, workerData: core.handle });
      core.runSync();
      console.log('after runSync()', existsSync(file));
      const look = () => (existsSync(file) ? console.log('later', true) : setImmediate(look));
      look();
    });
  `;
  const options = ['--report-on-signal', '--report-signal=SIGUSR2', `--report-dir=${directory}`];
  const env = { NODE_OPTIONS: [...options, '--report-filename=report.json'].join(' ') };
  expect((await runScript({ source }, [], { env })).stdout).toBe('after runSync() false\nlater true\n');
});
