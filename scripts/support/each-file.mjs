// Runs each file of the jest suite in a process of its own, several at a time: for runtimes whose jest workers do not
// end, and where one test may end the process of all.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runWhileItPrints } from '../jest.mjs';
import { root } from './cache.mjs';

/** How many processes run at a time: most tests wait. */
const AT_A_TIME = 3;

/** How long one file may take, in milliseconds. The longest takes a minute on an idle machine. */
const TIME_LIMIT = 600_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Returns the test files, relative to the root, whose path contains one of `patterns`; all of them without any. */
export function testFiles(patterns = []) {
  return readdirSync(join(root, '__test__'), { recursive: true })
    .map((file) => join('__test__', file))
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern)))
    .toSorted();
}

/**
 * Runs the files with `command`, a runtime and its arguments. Prints a line for each file, and what jest prints for one
 * that fails. Returns the paths of those.
 */
export async function runEachFile({ label, command, files, args = [], variables = {} }) {
  const reports = process.env.TEST_RESULTS_DIR ?? mkdtempSync(join(tmpdir(), 'waitable-event-'));
  const start = performance.now();
  const counts = { passed: 0, skipped: 0, failed: 0 };
  const failed = [];
  const waiting = [...files];
  let done = 0;
  const runNext = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const { isGood, line, output } = await runFile({ label, command, file, args, variables, reports, counts });
      done += 1;
      if (!isGood) failed.push(file);
      console.error(`${isGood ? 'PASS' : 'FAIL'} ${done}/${files.length} ${file}: ${line}`);
      if (!isGood) console.error(output);
    }
  };
  // The processes that run are killed (runWhileItPrints()), and no other one starts.
  const stop = () => void waiting.splice(0);
  for (const signal of SIGNALS) process.once(signal, stop);
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, runNext));
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
    if (process.env.TEST_RESULTS_DIR === undefined) rmSync(reports, { recursive: true, force: true });
  }
  const { passed, skipped } = counts;
  console.error(
    `${label}: ${files.length - failed.length} of ${files.length} files, ${passed} tests passed, ` +
      `${counts.failed} failed, ${skipped} skipped, ${seconds(start)} s`,
  );
  return failed;
}

async function runFile({ label, command, file, args, variables, reports, counts }) {
  const start = performance.now();
  const report = join(reports, `${label}-${file}`.replaceAll(/[^\w.-]/g, '-') + '.json');
  const jest = [join(root, 'node_modules/jest/bin/jest.js'), '--runInBand', '--forceExit'];
  const reporting = ['--json', `--outputFile=${report}`, '--runTestsByPath', file];
  const [program, ...rest] = [...command, ...jest, ...args, ...reporting];
  const output = [];
  const { code, error } = await runWhileItPrints(
    program,
    rest,
    // jest writes its JSON to stdout, too. Its readable report is on stderr.
    { cwd: root, env: { ...process.env, ...variables }, stdio: ['ignore', 'ignore', 'pipe'] },
    TIME_LIMIT,
    (chunk) => output.push(chunk),
  );
  const result = readReport(report);
  counts.passed += result?.numPassedTests ?? 0;
  counts.skipped += result?.numPendingTests ?? 0;
  // A process that died has told of no test.
  counts.failed += result === undefined ? 1 : result.numFailedTests + result.numRuntimeErrorTestSuites;
  const outcome = result === undefined ? 'no report' : `${result.numPassedTests} tests`;
  const reason = error ?? (code === 0 ? undefined : `exit code ${code}`);
  return {
    isGood: code === 0 && error === undefined && result?.success === true,
    line: [outcome, ...(reason === undefined ? [] : [reason]), `${seconds(start)} s`].join(', '),
    output: Buffer.concat(output).toString(),
  };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The process died, or was killed.
    return undefined;
  }
}

function seconds(start) {
  return ((performance.now() - start) / 1000).toFixed(1);
}
