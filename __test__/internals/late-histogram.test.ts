/** Histograms that are made late. */

import { expect, test } from '@jest/globals';

import { LateHistogram } from '../support/internals';

test.each([0, 1, 63, 64, 65, 200])('has all of %i times, as soon as it is read', (count) => {
  const late = new LateHistogram();
  for (let index = 0; index < count; index += 1) {
    late.record(index + 1);
  }
  const { histogram } = late;
  expect(histogram.count).toBe(count);
  expect(histogram.max).toBeGreaterThanOrEqual(count * 1e6);
  late.record(0.5);
  expect(histogram.count).toBe(count + 1);
  expect(histogram.min).toBeLessThanOrEqual(0.5e6);
  expect(late.histogram).toBe(histogram);
});
