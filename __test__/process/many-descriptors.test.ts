import { beforeAll, describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { report } from '../support/outcomes';

/** What fixtures/process/open-many-descriptors.js prints. */
interface Result {
  limit: number;
  opened: number;
  numbers: number[];
  methods: unknown[];
  waitAsync: unknown[];
  select: unknown[];
  selectAsync: unknown[];
  waiters: unknown[];
  terminated: number;
  released: number;
}

let result: Result;

beforeAll(async () => {
  result = JSON.parse((await runScript('process/open-many-descriptors.js')).stdout) as Result;
  if (result.opened < 5000) {
    report(`This process may have ${result.limit} descriptors: ${result.opened} are open here, not 5000`);
  }
});

describe('with thousands of other descriptors open', () => {
  test('events get numbers above 1023', () => {
    expect(result.opened).toBeGreaterThan(1100);
    expect(result.numbers.every((fd) => fd > 1023 && fd >= result.opened)).toBe(true);
  });

  test('set, clear, isSet and wait work', () => {
    expect(result.methods).toEqual([false, true, true, false, false, 'x']);
  });

  test('waitAsync works', () => {
    expect(result.waitAsync).toEqual([false, true, true]);
  });

  test('select and selectAsync work', () => {
    expect(result.select).toEqual([0, 1, 1]);
    expect(result.selectAsync).toEqual([0, 1, 1]);
  });

  test('workers that wait in any way are woken', () => {
    expect(result.waiters).toEqual([true, true, true, true, true]);
  });

  test('workers that wait are terminated', () => {
    expect(result.terminated).toBe(3);
  });

  test('set(); clear() releases every blocked thread: 500 of 500 in 100 rounds', () => {
    expect(result.released).toBe(500);
  });
});
