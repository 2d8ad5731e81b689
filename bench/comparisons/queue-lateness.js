'use strict';
/** Measures how late a delayed task of a queue on Redis runs: alone, and among others. */

const { queues } = require('../lib/queues');

const now = () => performance.timeOrigin + performance.now();

/** One task at a time: the worker sleeps for nothing else. */
async function alone({ schedule }, samples, runs) {
  for (let index = 0; index < samples.length; index += 1) {
    const delta = 50 + ((index * 37) % 100);
    const done = new Promise((resolve) => {
      runs.next = resolve;
    });
    await schedule(now() + delta, delta);
    samples[index] = (await done) * 1e6;
  }
}

/** All of them within two seconds. */
async function bulk({ schedule }, samples, runs) {
  let left = samples.length;
  const done = new Promise((resolve) => {
    runs.next = (late) => {
      left -= 1;
      samples[left] = late * 1e6;
      if (left === 0) resolve();
    };
  });
  for (let index = 0; index < samples.length; index += 1) {
    const delta = 100 + ((index * 7919) % 1900);
    await schedule(now() + delta, delta);
  }
  await done;
}

module.exports = {
  title: 'Lateness of a queue on Redis',
  text:
    'Tasks that are due in 50 to 150 ms, one at a time, or in 0.1 to 2 s, all at once. The same process ' +
    'schedules and runs them. Redis has its default settings and an append-only file.',
  chart: 'distribution',
  count: ({ quick }) => (quick ? 10 : 100),
  warmUps: 1,
  generations: 1,
  // A round is ten seconds of waiting.
  mostRounds: ({ quick }) => (quick ? 2 : 3),
  contenders: Object.entries({ alone, 'among others': bulk }).flatMap(([title, measure]) =>
    queues.map(({ name, ours, open }) => ({
      name: `${name}, ${title}`,
      ours,
      async setup() {
        const runs = { next: () => {} };
        const queue = await open((due) => runs.next(now() - due));
        return async (count) => {
          const samples = new Float64Array(count);
          await measure(queue, samples, runs);
          return samples;
        };
      },
    })),
  ),
  targets: [],
};
