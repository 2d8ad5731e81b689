// What a run of the tests on another platform needs in the tree.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmPackages, root, run } from './cache.mjs';

/** Builds what has changed since the last build. */
export function ensureBuild() {
  run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--changed'], { what: 'The build' });
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
