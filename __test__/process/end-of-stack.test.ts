/** Public functions that are called where the stack ends, and a program that goes on after the RangeError. */

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';

test('everything works after each function was called there, at 3000 depths', async () => {
  const { stdout } = await runScript('process/call-at-end-of-stack.js');
  expect(stdout).toBe('');
});
