// The tools of tools/package.json, in the cache: what is locked there is what is installed.
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, root, run, say } from '../support/cache.mjs';

const FILES = ['package.json', 'package-lock.json'];

const PROGRAMS = {
  attw: '@arethetypeswrong/cli/dist/index.js',
  pnpm: 'pnpm/bin/pnpm.mjs',
  publint: 'publint/src/cli.js',
  verdaccio: 'verdaccio/bin/verdaccio',
  yarn1: 'yarn/bin/yarn.js',
  yarn4: '@yarnpkg/cli-dist/bin/yarn.js',
};

/** Returns the paths of the programs, by name. Node runs each of them. */
export function releaseTools() {
  const source = join(import.meta.dirname, 'tools');
  const hash = createHash('sha256');
  for (const file of FILES) hash.update(readFileSync(join(source, file)));
  const folder = cached(`release-tools-${hash.digest('hex').slice(0, 12)}`, (unfinished) => {
    say('npm ci for the tools of a release');
    for (const file of FILES) copyFileSync(join(source, file), join(unfinished, file));
    copyFileSync(join(root, '.npmrc'), join(unfinished, '.npmrc'));
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: unfinished });
  });
  return Object.fromEntries(
    Object.entries(PROGRAMS).map(([name, path]) => [name, join(folder, 'node_modules', ...path.split('/'))]),
  );
}
