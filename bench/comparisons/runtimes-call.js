'use strict';
/** Measures calls on other runtimes: a worker blocks for the answer of the main thread. */

const { bePartner } = require('../lib/partner');
const { onRuntimes } = require('../lib/runtimes');
const { contenders, partners } = require('./call');

module.exports = {
  title: 'Other runtimes: call another thread and use its answer',
  text: 'A worker blocks in callSync(); the main thread is in its event loop, which a thread wakes.',
  chart: 'distribution',
  // On two cores a round has one of a few lengths, by which of the threads find the answer while they spin: 0.9, 2.2 or
  // 3.2 µs. The median of fifteen rounds is any of them.
  leastRounds: ({ quick }) => (quick ? 0 : 45),
  contenders: onRuntimes(__filename, 'callSync'),
  onEach: { callSync: contenders.find(({ name }) => name === 'callSync()') },
  targets: ['Bun', 'Deno'].map((ours) => ({ row: '32', ours, against: 'Node, thread driver', atMost: 1.5 })),
};

bePartner(partners);
