/** Programs and bundlers that replace what the package finds in its surroundings. */

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { root } from '../support/files';

test('a global process that is replaced after loading stops neither handles, nor run(), nor its signals', async () => {
  const source = `
    const { WaitableEvent, core } = require('waitable-event');
    const real = process;
    globalThis.process = { env: {} };
    const event = new WaitableEvent();
    const handles = [event.handle, core.handle, core.taskManager.handle];
    core.run({ stopOn: ['SIGUSR2'] }).then(() => {
      event.close();
      core.taskManager.close();
      real.stdout.write('stopped with ' + handles.length + ' handles\\n');
      real.exit(0);
    });
    real.kill(real.pid, 'SIGUSR2');
  `;
  expect((await runScript({ source })).stdout).toBe('stopped with 3 handles\n');
});

describe('a binding that is no binding', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'waitable-event-'));
    cpSync(join(root, 'lib'), join(folder, 'lib'), { recursive: true });
    mkdirSync(join(folder, 'node_modules'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each(["'/assets/waitable-event.node'", '{ default: "file.node" }', 'null', 'undefined'])(
    'such as %s is ERR_BINDING_UNAVAILABLE',
    async (exported) => {
      writeFileSync(join(folder, 'binding.js'), `module.exports = ${exported};\n`);
      const source = `
        try {
          require(${JSON.stringify(join(folder, 'lib', 'index.js'))});
        } catch ({ code, message }) {
          console.log(code, message);
        }
      `;
      expect((await runScript({ source })).stdout).toMatch(/^ERR_BINDING_UNAVAILABLE .*external in the bundler\.\n$/);
    },
  );
});
