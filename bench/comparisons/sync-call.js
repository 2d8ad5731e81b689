'use strict';
/** Compares synchronous calls of the main thread to a worker that is in its event loop. */

const { WORKER, loadPeer } = require('../lib/pools');

/** Returns the nanoseconds of each of `count` calls. */
function calls(count, call) {
  const samples = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const before = performance.now();
    call(index);
    samples[index] = (performance.now() - before) * 1e6;
  }
  return samples;
}

module.exports = {
  title: 'Call a worker and block for its answer',
  text: 'The main thread blocks for the answer of a worker that adds one: what synckit is for.',
  chart: 'distribution',
  contenders: [
    {
      name: 'synckit',
      setup() {
        process.env.BENCH_WORKER = 'synckit';
        const call = loadPeer('synckit').createSyncFn(WORKER);
        return (count) => calls(count, call);
      },
    },
    {
      name: 'TaskWorker, callSync()',
      ours: true,
      setup() {
        process.env.BENCH_WORKER = 'ours';
        const { TaskWorker } = require('../../lib/pool');
        const tasks = new TaskWorker(WORKER).readySync(30_000);
        return (count) => calls(count, (value) => tasks.callSync('increment', value));
      },
    },
  ],
  targets: [{ row: '24', ours: 'TaskWorker, callSync()', against: 'synckit', atMost: 0.5 }],
};
