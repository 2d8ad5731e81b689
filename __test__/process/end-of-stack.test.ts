/** Public functions that are called where the stack ends, and a program that goes on after the RangeError. */

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';

const LIMIT = 120_000;

test.each([1, 2, 3, 4])(
  'everything works after each function was called there, at 3000 depths: part %i of 4',
  async (part) => {
    const { stdout } = await runScript('process/call-at-end-of-stack.js', [`part ${part} of 4`]);
    expect(stdout).toBe('');
  },
  LIMIT,
);
