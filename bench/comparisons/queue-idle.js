'use strict';
/** Counts how often an idle member of a queue on Redis wakes up. */

const { readFileSync } = require('node:fs');

const { queues } = require('../lib/queues');

/** Milliseconds until all that a start causes is over: the last is a sample of the store's clock after five seconds. */
const SETTLE = 6000;

/** Returns how often the main thread has gone to sleep so far. */
function sleeps() {
  const status = readFileSync(`/proc/self/task/${process.pid}/status`, 'latin1');
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)[1]);
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

module.exports = {
  title: 'An idle member of a queue on Redis',
  text:
    'The figure is how often the main thread wakes up in ten seconds, or two in a quick run, ' +
    'with one delayed task in the store.',
  show: 'count',
  chart: 'none',
  // Milliseconds to be idle.
  count: ({ quick }) => (quick ? 2000 : 10_000),
  warmUps: 0,
  generations: 1,
  mostRounds: () => 1,
  contenders: queues.map(({ name, ours, open }) => ({
    name,
    ours,
    // V8 collects garbage once or twice after a program has gone idle.
    flags: ['--no-memory-reducer'],
    async setup() {
      const { schedule } = await open(() => {});
      await schedule(1, 3_600_000);
      await wait(SETTLE);
      return async (time) => {
        const before = sleeps();
        await wait(time);
        return [sleeps() - before];
      };
    },
  })),
  targets: [],
};
