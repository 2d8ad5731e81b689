'use strict';

/**
 * Operations that are left out, each because of a fault that is known. `--with name` lets a program do it all the same.
 * When the fault is mended, the switch goes.
 */
const SWITCHES = {
  'loop-turns':
    'in loop-model, that channels have a turn between two batches of deferred functions, and that nothing is left at ' +
    'the end: one in 9000 programs finds one of them, and not again with its seed',
};

module.exports = { SWITCHES };
