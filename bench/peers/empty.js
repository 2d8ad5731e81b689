'use strict';
/** Is loaded to see what Node itself takes for the first module. */

module.exports = undefined;
