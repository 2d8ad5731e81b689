import { describe, expect, test } from '@jest/globals';

import { Child } from '../support/child';
import { fixture } from '../support/files';

describe('payloads and results', () => {
  test('of every type of Node and the web platform arrive, or are refused, as structuredClone() has them', async () => {
    // Outside of Jest, whose globals are not those of Node's own objects.
    const child = new Child(process.execPath, ['--no-warnings', fixture('remote/clone-every-type.js')]);
    const { code, stdout, stderr } = await child.ended;
    expect({ code, stderr, differences: JSON.parse(stdout === '' ? 'null' : stdout) as unknown }).toEqual({
      code: 0,
      stderr: '',
      differences: [],
    });
  });
});
