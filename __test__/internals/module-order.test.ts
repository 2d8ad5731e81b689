/** The order in which modules are loaded: any of them may be the first. */

import { beforeAll, describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { compiled } from '../support/files';

let result: { count: number; failures: Record<string, string> };

beforeAll(async () => {
  const { stdout } = await runScript('internals/load-each-module-first.js', [compiled]);
  result = JSON.parse(stdout) as typeof result;
}, 120_000);

describe('every compiled module', () => {
  test('can be loaded first, by itself', () => {
    expect(result.failures).toEqual({});
  });

  test('is found, in whatever folder', () => {
    expect(result.count).toBeGreaterThan(50);
  });
});
