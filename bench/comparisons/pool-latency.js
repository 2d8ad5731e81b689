'use strict';
/** Measures one small task of a pool after the other. */

const { pools } = require('../lib/pools');

module.exports = {
  title: 'Latency of a pool',
  text: 'One task that adds one after the other, from the main thread to a worker of a pool and back.',
  chart: 'distribution',
  contenders: pools((run) => async (count) => {
    const samples = new Float64Array(count);
    for (let index = 0; index < count; index += 1) {
      const before = performance.now();
      await run(index);
      samples[index] = (performance.now() - before) * 1e6;
    }
    return samples;
  }),
  targets: ['1 worker', '2 workers'].map((size) => ({
    row: '23',
    ours: `TaskPool, ${size}`,
    against: `piscina, ${size}`,
    atMost: 0.6,
  })),
};
