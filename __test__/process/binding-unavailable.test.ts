/** When the native half cannot be loaded. */

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';

test('ERR_BINDING_UNAVAILABLE says why the native binding cannot be loaded', async () => {
  const source = `
    try {
      require('waitable-event');
    } catch ({ code, message }) {
      console.log(code, message);
    }
  `;
  const { stdout } = await runScript({ source }, [], { env: { NODE_OPTIONS: '--no-addons' } });
  expect(stdout).toMatch(/^ERR_BINDING_UNAVAILABLE No native binding .* loading addons is disabled\.\n$/);
});
