'use strict';

/** Loads the addon of crates/bench-tsfn: a native thread that calls a threadsafe function. */
function loadCaller() {
  const module = { exports: {} };
  process.dlopen(module, process.env.BENCH_TSFN);
  return module.exports.Caller;
}

/** Loads the addon of crates/bench-uv: `open(function)` returns a number, and `send(number)` has it called. */
function loadAsync() {
  const module = { exports: {} };
  process.dlopen(module, process.env.BENCH_UV);
  return module.exports;
}

module.exports = { loadAsync, loadCaller };
