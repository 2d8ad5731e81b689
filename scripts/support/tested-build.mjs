// What a run of the tests on another platform needs in the tree.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmPackages, root, run, say } from './cache.mjs';

/** Builds the facade and the loader of the binding, unless they are there. */
export function ensureBuild() {
  if (['binding.js', 'lib/index.js', 'dist'].some((file) => !existsSync(join(root, file)))) {
    say('npm run build');
    run('npm', ['run', 'build']);
  }
}

/**
 * Returns the folder with the native packages that jest needs for another platform; npm has installed this machine's
 * only. Node finds them there if NODE_PATH names it.
 */
export function nativePackages(platform) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const names = [`@swc/core-${platform}`, `@unrs/resolver-binding-${platform}`];
  const versions = names.map((name) => `${name}@${packages[`node_modules/${name}`].version}`);
  const label = versions.map((name) => name.split('@').at(-1)).join('-');
  return npmPackages(`jest-${platform}-${label}`, versions);
}
