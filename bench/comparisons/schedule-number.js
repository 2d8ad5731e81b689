'use strict';
/** Measures throughput: a worker sends numbers to the main thread. */

const { bePartner } = require('../lib/partner');
const { bacpypes, limit } = require('../lib/programs');
const { calling, longRounds, posting, producers, ringing, scheduling } = require('../lib/throughput');

module.exports = {
  title: 'Schedule and run: a number, or nothing',
  text:
    'A worker schedules, the main thread runs. The time ends when the last task has run. ' +
    'BACpypes calls deferred() from another thread. The JavaScript ring is what a program may write for itself: ' +
    'numbers in shared memory and nothing else, or records with what a task needs. The limit is a ring in Rust, rtrb.',
  show: 'rate',
  ...longRounds,
  chart: 'bars',
  contenders: [
    limit('rtrb', 'queue'),
    ringing(__filename, { name: 'JavaScript ring', codec: 'number', payload: 42 }),
    ringing(__filename, { name: 'JavaScript ring of records', codec: 'record', payload: 42 }),
    posting(__filename, { payload: 42 }),
    calling(),
    scheduling(__filename, { payload: 42 }),
    scheduling(__filename, { name: 'schedule(), no payload' }),
    bacpypes('BACpypes', 'deferred'),
  ],
  targets: [
    { row: '17', ours: 'schedule()', against: 'JavaScript ring', atLeast: 0.8, limit: 'JavaScript ring of records' },
    { row: '5', ours: 'schedule()', against: 'postMessage', atLeast: 10 },
    { row: '5', ours: 'schedule(), no payload', against: 'postMessage', atLeast: 10 },
  ],
};

bePartner(producers);
