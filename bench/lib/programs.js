'use strict';
/** Contenders that are no JavaScript. */

const { join } = require('node:path');

/** The Rust program on the raw system calls, crates/limits. */
function limit(name, request) {
  return { name, kind: 'limit', program: () => [process.env.BENCH_LIMITS], request };
}

/** BACpypes itself, where Python has it. */
function bacpypes(name, request) {
  const script = join(__dirname, '../peers/bacpypes_peer.py');
  return { name, kind: 'peer', program: () => ['python3', script], request };
}

module.exports = { bacpypes, limit };
