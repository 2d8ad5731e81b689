'use strict';
/** Contenders in other languages. */

const { join } = require('node:path');

/**
 * Returns the contender that the Rust program of crates/limits is with these arguments. Both programs read the number
 * of operations from a line, and answer with a line of JSON.
 */
function limit(name, ...args) {
  return { name, kind: 'limit', program: () => [process.env.BENCH_LIMITS, ...args] };
}

/**
 * Returns BACpypes itself, if Python has it. `what` is a word, or several, of its program. Where it is slow, it does a
 * fraction only.
 */
function bacpypes(name, what, fraction = 1) {
  const script = join(__dirname, '../peers/bacpypes_peer.py');
  return { name, fraction, program: () => [process.env.BENCH_PYTHON ?? 'python3', script, ...[what].flat()] };
}

module.exports = { bacpypes, limit };
