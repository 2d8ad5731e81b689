'use strict';
/** Installs and builds what only the benchmarks need, if it is missing or old. */

const { spawnSync } = require('node:child_process');
const { existsSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const bench = join(__dirname, '..');
const root = join(bench, '..');

function run(program, args, options) {
  const { status, stdout, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (error || status !== 0) {
    throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}`);
  }
  return stdout;
}

/** Installs the peers from npm, and the libraries for statistics and drawing: bench/package.json. */
function installPackages() {
  const installed = join(bench, 'node_modules/.package-lock.json');
  const lock = join(bench, 'package-lock.json');
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
    console.error('Installing the packages of the benchmarks …');
    run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: bench, stdio: ['ignore', 2, 2] });
  }
}

/** Builds the programs in Rust. The environment of the contenders has their paths. */
function buildPrograms() {
  const crates = ['limits', 'bench-tsfn', 'bench-uv'].flatMap((name) => ['-p', name]);
  const args = ['build', '--release', '--locked', ...crates, '--message-format=json'];
  const messages = run('cargo', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  for (const line of messages.split('\n')) {
    const { reason, target, filenames, executable } = line.startsWith('{') ? JSON.parse(line) : {};
    if (reason === 'compiler-artifact' && target.name === 'limits') {
      process.env.BENCH_LIMITS = executable;
    } else if (reason === 'compiler-artifact' && target.name === 'bench_tsfn') {
      [process.env.BENCH_TSFN] = filenames;
    } else if (reason === 'compiler-artifact' && target.name === 'bench_uv') {
      [process.env.BENCH_UV] = filenames;
    }
  }
}

/** The newest Python in which BACpypes runs: it uses asyncore. */
const NEWEST_PYTHON = '3, 11';

/**
 * Installs BACpypes into a Python environment of its own. Without a Python that suits it, or without a network, its
 * contenders are skipped.
 */
function installPython() {
  const folder = join(bench, 'python');
  const python = join(folder, 'bin/python3');
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    const check = `import sys, venv; sys.exit(sys.version_info[:2] > (${NEWEST_PYTHON}))`;
    const found = ['python3', 'python3.11'].find((name) => spawnSync(name, ['-c', check]).status === 0);
    if (found === undefined) {
      return;
    }
    console.error('Installing BACpypes …');
    try {
      run(found, ['-m', 'venv', '--clear', folder], { stdio: 'ignore' });
      const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check', 'install', 'bacpypes==0.19.0'];
      run(python, pip, { stdio: 'ignore' });
      writeFileSync(done, '');
    } catch (error) {
      console.error(`BACpypes cannot be installed: ${error.message}`);
      return;
    }
  }
  process.env.BENCH_PYTHON = python;
}

/** Installs and builds packages/bullmq, with BullMQ itself beside it. */
function buildQueues() {
  run(process.execPath, ['scripts/test-bullmq.mjs', '--prepare'], { cwd: root, stdio: ['ignore', 2, 2] });
}

module.exports = { buildPrograms, buildQueues, installPackages, installPython };
