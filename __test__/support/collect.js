'use strict';

// Collects the garbage of this thread, in tests and in fixtures.

const { setFlagsFromString } = process.getBuiltinModule('node:v8');
const { runInNewContext } = process.getBuiltinModule('node:vm');

/** Returns a function that collects garbage now. */
function makeCollector() {
  // Bun has a function of its own, and none in a new context.
  const { gc } = process.getBuiltinModule('bun') ?? {};
  if (gc !== undefined) {
    return () => gc(true);
  }
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

module.exports = { collect: makeCollector() };
