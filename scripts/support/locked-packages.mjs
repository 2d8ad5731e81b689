// Folders of this repository with dependencies, and a lock file, of their own.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run, say } from './cache.mjs';

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
