'use strict';

const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

const { turn } = require('./finding');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** Collects this thread's garbage: a loop that was dropped closes its descriptors then. */
async function collectGarbage() {
  collect();
  // Finalizers run in the event loop.
  await turn(1);
}

module.exports = { collectGarbage };
