/** Public functions that are called where the stack ends, and a program that goes on after the RangeError. */

import { expect, test } from '@jest/globals';

import { Child } from '../support/child';
import { fixture } from '../support/files';

/** How long one part may take on a busy machine; a quiet one takes 8 s. */
const LIMIT = 150_000;

test.each([1, 2, 3, 4])(
  'everything works after each function was called there, at 3000 depths: part %i of 4',
  async (part) => {
    const script = fixture('process/call-at-end-of-stack.js');
    const { code, signal, stdout, stderr } = await new Child(process.execPath, [script, `part ${part} of 4`], {}, LIMIT)
      .ended;
    // Node itself prints each promise that is rejected where the stack ends: only the end tells what failed.
    const said = code === 0 ? '' : stderr.slice(-2000);
    expect({ code, signal, stdout, said }).toEqual({ code: 0, signal: null, stdout: '', said: '' });
  },
  LIMIT + 30_000,
);
