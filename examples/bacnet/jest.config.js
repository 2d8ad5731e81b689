'use strict';

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  testMatch: ['**/__test__/*.test.js'],
  // The tests share addresses and ports.
  maxWorkers: 1,
  testTimeout: 60_000,
};
