'use strict';

/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/__test__'],
  testEnvironment: 'node',
  testMatch: ['**/*.test.ts'],
  testTimeout: 30_000,
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
