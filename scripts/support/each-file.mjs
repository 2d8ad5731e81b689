// Runs each file of the jest suite in a process of its own, several at a time: for runtimes whose jest workers do not
// end, and where one test may end the process of all.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runWhileItPrints } from '../jest.mjs';
import { root, say } from './cache.mjs';
import { MOST_SECOND_RUNS, countsOf, sayOutcome, writeReport } from './second-run.mjs';

/** How many processes run at a time: most tests wait. */
const AT_A_TIME = 3;

/** How long one file may take, in milliseconds. The longest takes a minute on an idle machine. */
const TIME_LIMIT = 600_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Returns the test files, relative to the root, whose path matches one of `patterns`; all of them without any. */
export function testFiles(patterns = []) {
  return readdirSync(join(root, '__test__'), { recursive: true })
    .map((file) => join('__test__', file))
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => patterns.length === 0 || patterns.some((pattern) => new RegExp(pattern).test(file)))
    .toSorted();
}

/**
 * Runs the files with `command`, a runtime and its arguments. Prints a line for each file, and what jest prints for one
 * that fails. What fails runs once more, alone. Returns whether all passed. `wrap` is that of `runJest()`, `atATime`
 * the number of processes, and `limit` the time for a file in milliseconds.
 */
export async function runEachFile({ label, command, files, args = [], variables = {}, ...settings }) {
  const { wrap, atATime = AT_A_TIME, limit = TIME_LIMIT } = settings;
  const folder = mkdtempSync(join(tmpdir(), 'waitable-event-'));
  const start = performance.now();
  const results = new Map();
  const waiting = [...files];
  const runNext = async (slot) => {
    // Processes that share a cache of jest may read what another one has half written.
    const cache = join(folder, `cache-${slot}`);
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const all = [...args, `--cacheDirectory=${cache}`];
      const result = await runFile({ command, file, args: all, variables, folder, limit, wrap });
      results.set(file, result);
      console.error(`${result.isGood ? 'PASS' : 'FAIL'} ${results.size}/${files.length} ${file}: ${result.line}`);
      if (!result.isGood) console.error(result.output);
    }
  };
  // The processes that run are killed (runWhileItPrints()), and no other one starts.
  const stop = () => void waiting.splice(0);
  for (const signal of SIGNALS) process.once(signal, stop);
  try {
    await Promise.all(Array.from({ length: atATime }, (_, slot) => runNext(slot)));
    const again = files.filter((file) => results.get(file)?.isGood === false);
    if (again.length <= MOST_SECOND_RUNS) {
      say(`${label}: ${again.length} files once more, alone`);
      waiting.push(...again);
      await runNext(0);
    }
    const failed = files.filter((file) => results.get(file)?.isGood !== true);
    const counts = countsOf(files.map((file) => results.get(file)?.counts));
    sayOutcome({ label, folder: '', files, again, failed, counts, start });
    writeReport(label, counts);
    return failed.length === 0;
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runFile({ command, file, args, variables, folder, limit, wrap = (commandLine) => commandLine }) {
  const start = performance.now();
  const report = join(folder, `${file.replaceAll(/[^\w.-]/g, '-')}.json`);
  rmSync(report, { force: true });
  const jest = [join(root, 'node_modules/jest/bin/jest.js'), '--runInBand', '--forceExit'];
  const reporting = ['--json', `--outputFile=${report}`, '--runTestsByPath', file];
  const [program, ...rest] = wrap([...command, ...jest, ...args, ...reporting]);
  const output = [];
  const { code, error } = await runWhileItPrints(
    program,
    rest,
    // jest writes its JSON to stdout, too. Its readable report is on stderr.
    { cwd: root, env: { ...process.env, ...variables }, stdio: ['ignore', 'ignore', 'pipe'] },
    limit,
    (chunk) => output.push(chunk),
  );
  const result = readReport(report);
  const outcome = result === undefined ? 'no report' : `${result.numPassedTests} tests`;
  const reason = error ?? (code === 0 ? undefined : `exit code ${code}`);
  return {
    isGood: code === 0 && error === undefined && result?.success === true,
    // A process that died has told of no test.
    counts: result && {
      passed: result.numPassedTests,
      skipped: result.numPendingTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    },
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
