'use strict';
/** Measures throughput on other runtimes: a worker schedules numbers, and the main thread runs them. */

const { bePartner } = require('../lib/partner');
const { onRuntimes } = require('../lib/runtimes');
const { longRounds, producers, scheduling } = require('../lib/throughput');

module.exports = {
  title: 'Other runtimes: schedule and run a number',
  text: 'A worker schedules, the main thread runs. A thread wakes the event loop on all of them.',
  show: 'rate',
  ...longRounds,
  chart: 'bars',
  contenders: onRuntimes(__filename, 'schedule'),
  onEach: { schedule: scheduling(__filename, { payload: 42 }) },
  targets: ['Bun', 'Deno'].map((ours) => ({ row: '32', ours, against: 'Node, thread driver', atMost: 1.5 })),
};

bePartner(producers);
