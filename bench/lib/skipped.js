'use strict';

/** A contender that cannot take part on this machine; the message says why. */
class Skipped extends Error {}

module.exports = { Skipped };
