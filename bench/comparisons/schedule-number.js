'use strict';
/** Measures throughput: a worker sends numbers to the main thread. */

const { bePartner } = require('../lib/partner');
const { bacpypes } = require('../lib/programs');
const { calling, longRounds, posting, producers, scheduling } = require('../lib/throughput');

module.exports = {
  title: 'Schedule and run: a number, or nothing',
  text:
    'A worker schedules, the main thread runs. The time ends when the last task has run. ' +
    'BACpypes calls deferred() from another thread.',
  show: 'rate',
  ...longRounds,
  chart: 'bars',
  contenders: [
    posting(__filename, { payload: 42 }),
    calling(),
    scheduling(__filename, { payload: 42 }),
    scheduling(__filename, { name: 'schedule(), no payload' }),
    bacpypes('BACpypes', 'deferred'),
  ],
  targets: [
    { row: '5', ours: 'schedule()', against: 'postMessage', atLeast: 10 },
    { row: '5', ours: 'schedule(), no payload', against: 'postMessage', atLeast: 10 },
  ],
};

bePartner(producers);
