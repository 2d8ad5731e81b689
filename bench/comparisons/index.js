'use strict';
/** All comparisons, in the order of the table. A comparison has the name of its file. */

const { join } = require('node:path');

const NAMES = [
  'round-trip-blocking',
  'round-trip-event-loop',
  'set-event',
  'set-clear',
  'schedule-number',
  'schedule-object',
  'schedule-bytes',
  'schedule-large-object',
  'payload-size',
  'schedule-workers',
  'cold',
  'sparse',
  'call',
  'sync-call',
  'pool-throughput',
  'pool-latency',
  'local-tasks',
  'tasks-by-number',
  'timeouts',
  'lateness',
  'members',
  'come-and-go',
  'http',
  'files',
  'idle',
  'runtimes-schedule',
  'runtimes-call',
  'require',
  'memory',
  'memory-each',
  'size',
  'queue-lateness',
  'queue-throughput',
  'queue-call',
  'queue-idle',
];

/** Loads a comparison. Its packages must be installed. */
function load(name) {
  const file = join(__dirname, `${name}.js`);
  return { name, file, show: 'time', ...require(file) };
}

module.exports = { NAMES, load };
