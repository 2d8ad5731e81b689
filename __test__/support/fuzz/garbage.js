'use strict';

const { collect } = require('../collect');
const { turn } = require('./finding');

/** Collects this thread's garbage: a loop that was dropped closes its descriptors then. */
async function collectGarbage() {
  collect();
  // Finalizers run in the event loop.
  await turn(1);
}

module.exports = { collectGarbage };
