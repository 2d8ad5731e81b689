'use strict';
/** Measures calls through a queue on Redis: a task, and its result. */

const { queues } = require('../lib/queues');

module.exports = {
  title: 'Call through a queue on Redis',
  text: 'One call at a time, from the task to its result. The same process calls and answers.',
  chart: 'distribution',
  count: ({ quick }) => (quick ? 100 : 500),
  warmUps: 1,
  generations: 1,
  contenders: queues.map(({ name, ours, open }) => ({
    name,
    ours,
    async setup() {
      const { call } = await open((value) => value * 2);
      return async (count) => {
        const samples = new Float64Array(count);
        for (let index = 0; index < count; index += 1) {
          const before = performance.now();
          await call(index);
          samples[index] = (performance.now() - before) * 1e6;
        }
        return samples;
      };
    },
  })),
  targets: [],
};
