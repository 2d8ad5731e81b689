'use strict';
/** Measures throughput: a worker sends an object of 20 objects to the main thread, again and again. */

const { bePartner } = require('../lib/partner');
const { posting, producers, scheduling } = require('../lib/throughput');

/** 0.7 kB as JSON. */
const payload = Object.fromEntries(
  Array.from({ length: 20 }, (_, index) => [`key${index}`, { value: index, name: `row${index}` }]),
);

module.exports = {
  title: 'Schedule and run: an object of 0.7 kB',
  text: 'A worker schedules, the main thread runs. The time ends when the last task has run.',
  show: 'rate',
  chart: 'bars',
  contenders: [posting(__filename, { payload }), scheduling(__filename, { payload })],
  targets: [{ row: '7', ours: 'schedule()', against: 'postMessage', atLeast: 1.5 }],
};

bePartner(producers);
