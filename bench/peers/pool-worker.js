'use strict';
/** The worker of the pools and of the synchronous calls: it adds one. */

const { isMainThread } = require('node:worker_threads');

const increment = (value) => value + 1;

if (!isMainThread && process.env.BENCH_WORKER === 'synckit') {
  require('synckit').runAsWorker(increment);
} else if (!isMainThread && process.env.BENCH_WORKER === 'ours') {
  void require('../../lib/pool').serve({ increment });
}

// What piscina calls.
module.exports = increment;
