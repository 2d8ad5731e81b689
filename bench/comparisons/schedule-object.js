'use strict';
/** Measures throughput: a worker sends a small object to the main thread, again and again. */

const { bePartner } = require('../lib/partner');
const { posting, producers, ringing, scheduling } = require('../lib/throughput');

const payload = { task: 'sample', t: 1.5, id: 7 };

module.exports = {
  title: 'Schedule and run: a small object',
  text:
    'A worker schedules, the main thread runs. The time ends when the last task has run. The ring in shared memory ' +
    'is what a program may write for itself; it carries JSON, or what structuredClone() makes of the object.',
  show: 'rate',
  chart: 'bars',
  contenders: [
    posting(__filename, { payload }),
    ringing(__filename, { name: 'ring, JSON', codec: 'json', payload }),
    ringing(__filename, { name: 'ring, structuredClone', codec: 'structuredClone', payload }),
    scheduling(__filename, { payload }),
  ],
  targets: [
    { row: '6', ours: 'schedule()', against: 'postMessage', atLeast: 3 },
    { row: '18', ours: 'schedule()', against: 'ring, JSON', atLeast: 2 },
  ],
};

bePartner(producers);
