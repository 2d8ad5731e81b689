'use strict';

/** Loads the addon of crates/bench-tsfn: a native thread that calls a threadsafe function. */
function loadCaller() {
  const module = { exports: {} };
  process.dlopen(module, process.env.BENCH_TSFN);
  return module.exports.Caller;
}

module.exports = { loadCaller };
