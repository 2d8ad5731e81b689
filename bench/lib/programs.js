'use strict';
/** Contenders that are no JavaScript. */

const { join } = require('node:path');

/**
 * What the Rust program of crates/limits measures with these arguments. Both programs read how many to do from a line, and answer with a
 * line of JSON.
 */
function limit(name, ...args) {
  return { name, kind: 'limit', program: () => [process.env.BENCH_LIMITS, ...args] };
}

/** BACpypes itself, where Python has it. It may be told to do a fraction only, where it is slow. */
function bacpypes(name, what, fraction = 1) {
  const script = join(__dirname, '../peers/bacpypes_peer.py');
  return { name, fraction, program: () => ['python3', script, what] };
}

module.exports = { bacpypes, limit };
