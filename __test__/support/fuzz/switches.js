'use strict';

/**
 * Operations that are left out, each because of a fault that is known. `--with name` lets a program do it all the same.
 * When the fault is mended, the switch goes.
 */
const SWITCHES = {};

module.exports = { SWITCHES };
