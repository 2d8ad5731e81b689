/** Programs that replace what the package finds in its surroundings. */

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';

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
