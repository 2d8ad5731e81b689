/** The allocator of the numbers of tasks and calls. */

import { expect, test } from '@jest/globals';

import { Ids } from '../support/internals';

const LAST = 2 ** 31 - 1;

test('numbers count from 1; isPending() is not called before they start over', () => {
  const ids = new Ids(() => true);
  expect([ids.take(), ids.take(), ids.take()]).toEqual([1, 2, 3]);
});

test('after the last number they start over, and pending ones are skipped', () => {
  const pending = new Set([1, 2, 4, LAST]);
  const ids = new Ids((id) => pending.has(id), LAST - 1);
  expect(Array.from({ length: 5 }, () => ids.take())).toEqual([LAST - 1, LAST, 3, 5, 6]);
});
