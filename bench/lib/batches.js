'use strict';

/** Number of operations in one sample of a short operation, so that reading the clock does not count. */
const BATCH = 1000;

/**
 * Returns the nanoseconds of one operation, for each batch. `operations(times)` contains the loop: a call for each
 * operation would be most of the measured time.
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
