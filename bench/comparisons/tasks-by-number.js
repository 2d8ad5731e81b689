'use strict';
/** Measures what a task of a thread costs by the number of those that wait: one is suspended, another one installed. */

const { installTask, randomTimes } = require('../lib/own-tasks');

const NUMBERS = [10, 100, 1000, 10_000, 100_000, 1_000_000];

/** Milliseconds until the first task is due: long after the comparison. */
const FAR = 600_000;

/** Milliseconds of the span in which tasks are due. */
const SPAN = 60_000;

/** Returns a contender that replaces the oldest of `number` tasks, again and again. */
function contender(name, number, { ours, install, suspend }) {
  return {
    name: `${name}, ${number}`,
    x: number,
    ours,
    setup() {
      const nextTime = randomTimes(SPAN);
      const waiting = Array.from({ length: number }, () => install(() => {}, FAR + nextTime()));
      let oldest = 0;
      return (count) => {
        const before = performance.now();
        for (let index = 0; index < count; index += 1) {
          suspend(waiting[oldest]);
          waiting[oldest] = install(() => {}, FAR + nextTime());
          oldest = oldest + 1 === number ? 0 : oldest + 1;
        }
        return [((performance.now() - before) * 1e6) / count];
      };
    },
  };
}

const timeouts = { install: setTimeout, suspend: clearTimeout };
const tasks = {
  ours: true,
  install: installTask,
  suspend: (task) => task.suspendTask(),
};

module.exports = {
  title: 'A task of a thread, by the number that wait',
  text:
    'So many tasks wait, with random due times. Again and again the oldest is suspended, and another one installed: ' +
    'the figure is the time of both together.',
  chart: 'scaling',
  axis: 'tasks that wait',
  generations: 1,
  mostRounds: ({ quick }) => (quick ? 2 : 6),
  contenders: NUMBERS.flatMap((number) => [
    contender('setTimeout + clearTimeout', number, timeouts),
    contender('installTask() + suspendTask()', number, tasks),
  ]),
  targets: [
    {
      row: '36',
      ours: 'installTask() + suspendTask(), 1000000',
      against: 'setTimeout + clearTimeout, 1000000',
      atMost: 1,
    },
    {
      row: '36',
      ours: 'installTask() + suspendTask(), 1000',
      against: 'setTimeout + clearTimeout, 1000',
      atMost: 1,
    },
  ],
};
