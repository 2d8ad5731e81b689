/**
 * Finds the native binding of this platform: the file that a build has put beside the package, or else the package of
 * the platform.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { isMusl, isTruncated } from './elf';

/** The folder of this package. `scripts/bundle.mjs` puts the way from `lib/` in its place. */
const ROOT = '../../..';

/** The platforms that have a package: `napi.targets` in package.json. */
export const PLATFORMS: readonly string[] = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm-gnueabihf',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-arm64-msvc',
  'win32-x64-msvc',
];

const CURES = `\
Its package is an optional dependency, and an install may have left it out:
- Install with optional dependencies: without npm's --omit=optional, pnpm's --no-optional, yarn's --ignore-optional.
- Delete node_modules and the lock file if they are of another system (a Docker volume, Alpine), and install there.
- Update npm if it is older than 10: it may have left out what it could not choose by libc.
- In a bundler, mark waitable-event as external.`;

/** Returns the name of this platform, as in the names of files and packages. */
export function platformName(): string {
  const { arch, platform } = process;
  if (platform === 'linux') {
    const libc = isMusl(process.execPath) ? 'musl' : 'gnu';
    return `linux-${arch}-${arch === 'arm' ? `${libc}eabihf` : libc}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}

/** Returns what the binding exports. Throws an error that says what to do. */
export function loadBinding(platform: string = platformName()): unknown {
  const file = join(__dirname, ROOT, `waitable-event.${platform}.node`);
  const packageName = `waitable-event-${platform}`;
  // A function of its own, in which bundlers do not look for modules.
  const load = createRequire(__filename);
  try {
    const path = existsSync(file) ? file : load.resolve(packageName);
    if (isTruncated(path)) throw new Error(`the end of ${path} is missing.`);
    return load(path);
  } catch (cause) {
    throw new Error(explain(cause, platform, packageName), { cause });
  }
}

/** Returns the reason and its cure, in at most ten lines. */
function explain(cause: unknown, platform: string, packageName: string): string {
  const { code, message, name } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_DLOPEN_DISABLED') {
    return `${message} Start the runtime without --no-addons, and Node with --allow-addons beside --permission.`;
  }
  if (name === 'NotCapable') {
    return `${message}. Deno loads it with --allow-ffi and --allow-read.`;
  }
  const exist = `There are packages for ${PLATFORMS.join(', ')}. Elsewhere, build from source: docs/platforms.md.`;
  if (!PLATFORMS.includes(platform)) {
    return `This platform is ${platform}, which has no package.\n${exist}`;
  }
  if (code === 'MODULE_NOT_FOUND') {
    return `${packageName} is not installed.\n${CURES}\n${exist}`;
  }
  return `${packageName} is installed, and cannot be loaded: ${message}\nDelete node_modules, install again.\n${exist}`;
}
