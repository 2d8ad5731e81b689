'use strict';
/** Measures empty tasks through a queue on Redis: from the first schedule() to the last run, with 64 under way. */

const { queues } = require('../lib/queues');

const UNDER_WAY = 64;

/** Schedules `count` tasks, so many at a time. */
async function scheduleAll({ schedule }, count) {
  let left = count;
  const producer = async () => {
    while (left > 0) {
      left -= 1;
      await schedule(1);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, producer));
}

module.exports = {
  title: 'Throughput of a queue on Redis',
  text: 'Empty tasks a second. The same process schedules and runs them.',
  show: 'rate',
  chart: 'bars',
  count: ({ quick }) => (quick ? 500 : 2000),
  warmUps: 1,
  generations: 1,
  mostRounds: ({ quick }) => (quick ? 3 : Infinity),
  contenders: queues.map(({ name, ours, open }) => ({
    name,
    ours,
    async setup() {
      const runs = {};
      const queue = await open(() => runs.next());
      return async (count) => {
        let left = count;
        const done = new Promise((resolve) => {
          runs.next = () => {
            left -= 1;
            if (left === 0) resolve();
          };
        });
        const before = performance.now();
        await Promise.all([scheduleAll(queue, count), done]);
        return [((performance.now() - before) * 1e6) / count];
      };
    },
  })),
  targets: [{ row: '33', ours: 'waitable-event-bullmq', against: 'BullMQ', atLeast: 0.6 }],
};
