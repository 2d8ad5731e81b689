/** The allocator of the numbers of tasks and calls. */

import { expect, test } from '@jest/globals';

import { IdAllocator } from '../support/internals';

const LAST = 2 ** 31 - 1;

test('numbers count from 1; isPending() is not called before they start over', () => {
  const ids = new IdAllocator(() => true);
  expect([ids.allocate(), ids.allocate(), ids.allocate()]).toEqual([1, 2, 3]);
});

test('after the last number they start over, and pending ones are skipped', () => {
  const pending = new Set([1, 2, 4, LAST]);
  const ids = new IdAllocator((id) => pending.has(id), LAST - 1);
  expect(Array.from({ length: 5 }, () => ids.allocate())).toEqual([LAST - 1, LAST, 3, 5, 6]);
});
