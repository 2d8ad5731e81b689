// Folders of this repository with dependencies, and a lock file, of their own.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runWhileItPrints } from '../jest.mjs';
import { outputOf, root, run, say } from './cache.mjs';

/** Returns what a lock file names, without what another platform needs: version by path. */
function lockedPackages(file) {
  const entries = Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages);
  const wanted = entries.filter(
    ([path, { version, optional }]) => path.startsWith('node_modules/') && version && !optional,
  );
  return new Map(wanted.map(([path, { version }]) => [path, version]));
}

/** Installs what the lock file of a folder names, unless that is installed already. */
export function installLocked(folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  if (existsSync(installed)) {
    const have = lockedPackages(installed);
    const wanted = [...lockedPackages(join(folder, 'package-lock.json'))];
    if (wanted.every(([path, version]) => have.get(path) === version)) return;
  }
  say(`npm ci in ${basename(folder)}`);
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder });
}

/** Lints a folder by its own rules. Its dependencies have to be there, so the lint of the whole tree leaves it out. */
export function lintFolder(folder) {
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  run(process.execPath, [oxlint, '--config', join(folder, 'oxlint.json'), folder]);
}

/**
 * Runs the jest suite of a folder on `node`, with more `args`. Its report is called `name`, with the version of Node.
 * Resolves with the exit code.
 */
export async function testFolder(folder, { name, node, args, env, stall }) {
  const results = process.env.TEST_RESULTS_DIR;
  const file = `${name}-${outputOf(node, ['--version']).trim()}.json`;
  const report = results ? ['--json', `--outputFile=${join(results, file)}`] : [];
  const jest = [join(root, 'node_modules/jest/bin/jest.js'), '--config', join(folder, 'jest.config.js')];
  // jest writes its JSON to stdout, too.
  const stdio = ['ignore', results ? 'ignore' : 'pipe', 'pipe'];
  const { code, error } = await runWhileItPrints(
    node,
    [...jest, ...report, ...args],
    { cwd: folder, env, stdio },
    stall,
  );
  if (error) console.error(error);
  return code;
}
