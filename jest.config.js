'use strict';

/** Whether the tests run on another platform, where time limits are longer or some tests are skipped. */
const isAdapted = process.env.TEST_TIMEOUT_FACTOR !== undefined || process.env.TEST_SKIPPED !== undefined;

/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/__test__'],
  testEnvironment: isAdapted ? '<rootDir>/__test__/support/platform-environment.js' : 'node',
  testMatch: ['**/*.test.ts'],
  testTimeout: 30_000 * Number(process.env.TEST_TIMEOUT_FACTOR ?? 1),
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
