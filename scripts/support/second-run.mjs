// Runs the jest suite, and the files of it that failed once more, alone: on a busy machine a test may miss its time
// limit. What fails twice has failed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { runJest } from '../jest.mjs';
import { root, say } from './cache.mjs';

/** How many files may fail the first time. More are no accident. */
export const MOST_SECOND_RUNS = 6;

/** The tests may take three times as long as usual: several suites may run on the machine. */
export const PATIENT = { TEST_TIMEOUT_FACTOR: process.env.TEST_TIMEOUT_FACTOR ?? '3' };

const reporter = join(import.meta.dirname, 'file-results.cjs');

/**
 * Runs jest in `folder` as `runJest()` does, with one driver, and returns whether all passed. `args` are jest's;
 * `patterns` are the paths of the test files, as regular expressions, all of them without any. `settings` are others of
 * `runJest()`.
 */
export async function testTwice({ label, driver = 'default', folder = root, args = [], patterns = [], ...settings }) {
  const start = performance.now();
  const own = mkdtempSync(join(tmpdir(), 'waitable-event-'));
  const first = join(own, 'first');
  const runOnce = async (results, more) => {
    const reporters = ['--reporters=default', `--reporters=${reporter}`];
    const variables = { ...settings.variables, TEST_FILE_RESULTS: results };
    const drivers = [driver];
    const all = [...reporters, ...args, ...more];
    await runJest({ ...settings, label, folder, drivers, args: all, variables, results: '' });
    return readResults(results);
  };
  try {
    const files = listedFiles(folder, args, patterns);
    const found = await runOnce(first, patterns);
    const again = files.filter((file) => !isGood(found.get(file)));
    const mayPass = again.length <= MOST_SECOND_RUNS;
    for (const [index, file] of (mayPass ? again : []).entries()) {
      say(`${label}: ${relative(folder, file)} once more, alone`);
      const result = (await runOnce(join(own, `second-${index}`), ['--runTestsByPath', file])).get(file);
      found.set(file, result);
    }
    const counts = countsOf(files.map((file) => found.get(file)));
    const failed = files.filter((file) => !isGood(found.get(file)));
    sayOutcome({ label: `${label}, driver: ${driver}`, folder, files, again, failed, counts, start });
    writeReport(`${label}-${driver}`, counts);
    return failed.length === 0 && files.length > 0;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Prints what a run has found. */
export function sayOutcome({ label, folder, files, again, failed, counts, start }) {
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  for (const file of again.filter((each) => !failed.includes(each))) {
    say(`${label}: passed on its second run: ${relative(folder, file)}`);
  }
  for (const file of failed) say(`${label}: FAILED: ${relative(folder, file)}`);
  say(
    `${label}: ${files.length - failed.length} of ${files.length} files, ${counts.passed} tests passed, ` +
      `${counts.failed} failed, ${counts.skipped} skipped, ${seconds} s`,
  );
}

/** Writes how many tests passed and failed as a report of jest does, if TEST_RESULTS_DIR is set. */
export function writeReport(name, { passed, failed, skipped }) {
  const folder = process.env.TEST_RESULTS_DIR;
  if (!folder) return;
  const report = {
    success: failed === 0,
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numRuntimeErrorTestSuites: 0,
  };
  writeFileSync(join(folder, `${name.replaceAll(/[^\w.-]/g, '-')}.json`), JSON.stringify(report));
}

/** Adds up the results of files. One without a result has told of no test: its process died, or was killed. */
export function countsOf(results) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of results.map((each) => each ?? { passed: 0, failed: 1, skipped: 0 })) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

function isGood(result) {
  return result !== undefined && result.failed === 0;
}

/** Returns the absolute paths of the test files that jest would run. */
function listedFiles(folder, args, patterns) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const options = { cwd: folder, encoding: 'utf8' };
  return execFileSync(process.execPath, [jest, '--listTests', '--json', ...args, ...patterns], options)
    .split('\n')
    .filter((line) => line.startsWith('['))
    .flatMap((line) => JSON.parse(line));
}

/** Returns what a run has written, by the paths of the files. */
function readResults(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return new Map(
    lines
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .map(({ file: path, ...counts }) => [path, counts]),
  );
}
