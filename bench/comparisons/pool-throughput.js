'use strict';
/** Measures how many small tasks a second the main thread has done by a pool, with 256 under way. */

const { longRounds } = require('../lib/throughput');
const { pools } = require('../lib/pools');

const UNDER_WAY = 256;

/** Runs `count` tasks. */
async function runAll(run, count) {
  let left = count;
  const producer = async () => {
    while (left > 0) {
      left -= 1;
      await run(left);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, producer));
}

module.exports = {
  title: 'Throughput of a pool',
  text: 'Tasks that add one, from the main thread to the workers of a pool and back, with 256 under way.',
  show: 'rate',
  ...longRounds,
  chart: 'bars',
  contenders: pools((run) => async (count) => {
    const before = performance.now();
    await runAll(run, count);
    return [((performance.now() - before) * 1e6) / count];
  }),
  targets: ['1 worker', '2 workers'].map((size) => ({
    row: '23',
    ours: `TaskPool, ${size}`,
    against: `piscina, ${size}`,
    atLeast: 3,
  })),
};
