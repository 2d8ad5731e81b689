'use strict';

// A reporter of jest: adds a line of JSON to $TEST_FILE_RESULTS for each test file that has ended. So what was found is
// known also if jest itself is killed.
const { appendFileSync } = require('node:fs');

class FileResults {
  onTestResult(_test, { testFilePath, numPassingTests, numFailingTests, numPendingTests, testExecError }) {
    const counts = { passed: numPassingTests, failed: numFailingTests, skipped: numPendingTests };
    // A file that does not even load has no tests to count.
    if (testExecError) counts.failed += 1;
    appendFileSync(process.env.TEST_FILE_RESULTS, `${JSON.stringify({ file: testFilePath, ...counts })}\n`);
  }
}

module.exports = FileResults;
