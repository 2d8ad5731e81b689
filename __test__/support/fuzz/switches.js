'use strict';

/**
 * Operations that are left out, each because of a fault that is known. `--with name` lets a program do it all the same.
 * When the fault is mended, the switch goes.
 */
const SWITCHES = {
  'wait-after-close': 'waitAsync() of a closed event that was awaited before it was closed',
};

module.exports = { SWITCHES };
