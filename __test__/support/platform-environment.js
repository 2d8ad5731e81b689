'use strict';

// A jest environment for platforms that are slow, or lack something. TEST_TIMEOUT_FACTOR multiplies the time limits
// that tests set for themselves. TEST_SKIPPED is the path of a JSON file with the tests that are not run, and why:
// [{ file, test, reason }]. `test` is a full name; `pattern`, in its place, is a regular expression for full names.
// Without both, none of the file is.

const { readFileSync } = require('node:fs');
const { join, relative } = require('node:path');
const { TestEnvironment } = require('jest-environment-node');

const root = join(__dirname, '..');
const factor = Number(process.env.TEST_TIMEOUT_FACTOR ?? 1);
const skipped =
  process.env.TEST_SKIPPED === undefined ? [] : JSON.parse(readFileSync(process.env.TEST_SKIPPED, 'utf8'));

/** Returns the name of a test with those of the blocks around it, as jest prints it. */
function fullName(test) {
  const names = [];
  for (let block = test; block.parent !== undefined; block = block.parent) names.unshift(block.name);
  return names.join(' ');
}

function isWholeFile({ test, pattern }) {
  return test === undefined && pattern === undefined;
}

function isMeant(entry, name) {
  return (
    isWholeFile(entry) || entry.test === name || (entry.pattern !== undefined && new RegExp(entry.pattern).test(name))
  );
}

class PlatformEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const file = relative(root, context.testPath).replaceAll('\\', '/');
    this.entries = skipped.filter((entry) => entry.file === file);
    this.unknown = new Set(this.entries.filter((entry) => !isWholeFile(entry)));
  }

  handleTestEvent({ name, test, hook }) {
    const limited = { test_start: test, hook_start: hook }[name];
    if (limited?.timeout !== undefined) limited.timeout *= factor;
    if (name === 'test_start') {
      const own = fullName(test);
      for (const entry of this.entries.filter((each) => isMeant(each, own))) {
        test.mode = 'skip';
        this.unknown.delete(entry);
      }
    } else if (name === 'run_finish' && this.unknown.size > 0) {
      const names = [...this.unknown].map((entry) => `"${entry.test ?? entry.pattern}"`).join(', ');
      throw new Error(`There is no test ${names} to be skipped`);
    }
  }
}

module.exports = PlatformEnvironment;
