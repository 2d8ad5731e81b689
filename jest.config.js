'use strict';

const { availableParallelism } = require('node:os');

/** Whether the tests run on another platform, where time limits are longer or some tests are skipped. */
const isAdapted = process.env.TEST_TIMEOUT_FACTOR !== undefined || process.env.TEST_SKIPPED !== undefined;

/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/__test__'],
  testEnvironment: isAdapted ? '<rootDir>/__test__/support/platform-environment.js' : 'node',
  // The tests wait more than they compute: a run with one worker leaves two cores idle for half of its time.
  maxWorkers: availableParallelism() + 1,
  testMatch: ['**/*.test.ts'],
  // Longer than the tests' own limits, which say what hangs.
  testTimeout: 150_000 * Number(process.env.TEST_TIMEOUT_FACTOR ?? 1),
  // Only the tests themselves are compiled: they use the built package, and worker fixtures run outside of jest.
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        module: { type: 'commonjs' },
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      },
    ],
  },
};
