'use strict';

/** How many operations one sample of something short consists of: reading the clock must not count. */
const BATCH = 1000;

/**
 * Nanoseconds of one operation, for each batch of them. `operations(times)` has the loop in it: a call for each operation would be most
 * of what is measured.
 */
function batches(count, operations) {
  const samples = new Float64Array(Math.ceil(count / BATCH));
  for (let index = 0; index < samples.length; index += 1) {
    const before = performance.now();
    operations(BATCH);
    samples[index] = ((performance.now() - before) * 1e6) / BATCH;
  }
  return samples;
}

module.exports = { batches };
