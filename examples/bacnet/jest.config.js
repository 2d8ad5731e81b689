'use strict';

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  testMatch: ['**/__test__/*.test.js'],
  // The tests wait more than they compute.
  maxWorkers: 3,
  testTimeout: 60_000,
};
