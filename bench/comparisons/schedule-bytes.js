'use strict';
/** Measures throughput: a worker sends 1 KB of bytes to the main thread, again and again. */

const { bePartner } = require('../lib/partner');
const { posting, producers, scheduling } = require('../lib/throughput');

const payload = new Uint8Array(1024);

module.exports = {
  title: 'Schedule and run: 1 KB of bytes',
  text: 'A worker schedules, the main thread runs. The time ends when the last task has run.',
  show: 'rate',
  chart: 'bars',
  contenders: [posting(__filename, { payload }), scheduling(__filename, { payload })],
  targets: [{ row: '7', ours: 'schedule()', against: 'postMessage', atLeast: 3 }],
};

bePartner(producers);
