'use strict';
/** Measures throughput: more and more workers send numbers to the main thread. */

const { bePartner } = require('../lib/partner');
const { posting, producers, scheduling } = require('../lib/throughput');

const NUMBERS = [1, 2, 4, 8, 16, 32, 64];

const named = (name, number) => `${name}, ${number} ${number === 1 ? 'worker' : 'workers'}`;

module.exports = {
  title: 'Many workers, one main thread',
  text: 'Workers schedule numbers, the main thread runs them. The figure is the rate of all workers together.',
  show: 'rate',
  // So many that each of 64 workers has warmed up: V8 compiles the way of a task in each of them.
  count: ({ quick }) => (quick ? 320_000 : 640_000),
  warmUps: 6,
  generations: 1,
  mostRounds: ({ quick }) => (quick ? 3 : 9),
  chart: 'scaling',
  axis: 'workers',
  contenders: NUMBERS.flatMap((workers) => [
    posting(__filename, { name: named('postMessage', workers), x: workers, workers, payload: 42 }),
    scheduling(__filename, { name: named('schedule()', workers), x: workers, workers, payload: 42 }),
  ]),
  targets: [
    { row: '8', ours: 'schedule(), 4 workers', against: 'postMessage, 4 workers', atLeast: 10 },
    { row: '8', ours: 'schedule(), 4 workers', against: 'schedule(), 1 worker', atLeast: 0.8 },
  ],
};

bePartner(producers);
