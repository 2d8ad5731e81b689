'use strict';
/** Measures how late a task runs if its loop has nothing else to do. */

const { FunctionTask, core } = require('../..');

const { limit } = require('../lib/programs');

const DELAYS = [0.3, 1, 10];

/** Resolves with the nanoseconds of lateness of one task after the other. */
async function lateness(count, delay, install) {
  const samples = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    samples[index] = await new Promise((resolve) => {
      const due = performance.now() + delay;
      install(() => resolve((performance.now() - due) * 1e6), delay);
    });
  }
  return samples;
}

function installTask(fn, delta) {
  new FunctionTask(fn).installTask({ delta });
}

module.exports = {
  title: 'Lateness',
  text:
    'One task at a time is due in 0.3, 1 or 10 ms, and the loop sleeps until then. ' +
    'setTimeout knows whole milliseconds only. The limit is a timerfd in an epoll, in a Rust program.',
  chart: 'distribution',
  count: ({ quick }) => (quick ? 5 : 20),
  warmUps: 2,
  contenders: DELAYS.flatMap((delay) => [
    limit(`timerfd, ${delay} ms`, 'timer', String(delay)),
    { name: `setTimeout, ${delay} ms`, setup: () => (count) => lateness(count, delay, setTimeout) },
    {
      name: `installTask(), ${delay} ms`,
      ours: true,
      setup() {
        void core.run();
        return (count) => lateness(count, delay, installTask);
      },
    },
  ]),
  targets: DELAYS.flatMap((delay) => [
    { row: '11', ours: `installTask(), ${delay} ms`, atMost: 0.15e6 },
    { row: '25', ours: `installTask(), ${delay} ms`, against: `timerfd, ${delay} ms`, atMost: 2 },
  ]),
};
