'use strict';
/**
 * BACpypes' core.deferred(): functions that run when the handlers of this pass are through.
 *
 *   node examples/bacnet/samples/deferred.js
 *
 * What differs: one that throws is reported, and the others run. In BACpypes they are lost.
 */

const { OneShotFunction, core } = require('../../..');

let depth = 0;

/** Defers itself. Tasks and sockets have their turn after each pass. */
function deeper() {
  depth += 1;
  if (depth < 1000) core.deferred(deeper);
}

function main() {
  core.deferred(console.log, 'the first');
  core.deferred(() => {
    throw new Error('the second fails');
  });
  core.deferred((...words) => console.log(words.join(' ')), 'the', 'third');
  core.deferred(deeper);
  new OneShotFunction(() => {
    console.log(`a task runs while a function defers itself: ${depth < 1000 ? 'yes' : 'no'}`);
    core.deferred(() => core.stop());
  });
  void core.run();
}

if (process.argv.includes('--help')) {
  console.log('Usage: node examples/bacnet/samples/deferred.js');
} else {
  main();
}
