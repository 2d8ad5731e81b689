'use strict';

const base = require('../../jest.config.js');

/** @type {import('jest').Config} */
module.exports = {
  ...base,
  rootDir: __dirname,
  // The servers of one file must not wait for those of another one.
  maxWorkers: 1,
  testTimeout: 120_000,
  // BullMQ leaves timers of up to 11 s when its server is away.
  forceExit: true,
};
