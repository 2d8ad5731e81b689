// Builds for Windows here: with the linker of mingw, that of this machine or the one of Debian 13, unpacked in the
// cache.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cached, root, run, say } from './cache.mjs';
import { debianPackages } from './debian.mjs';
import { inNamespace } from './namespace.mjs';
import { installRustTargets } from './zig.mjs';

/** The target that needs no file of Microsoft's. The package is built for x86_64-pc-windows-msvc. */
export const TARGET = 'x86_64-pc-windows-gnu';

const PREFIX = 'x86_64-w64-mingw32-';

/** Returns whether this machine has mingw. */
function isInstalled() {
  return ['gcc', 'ar', 'dlltool'].every((tool) => spawnSync(PREFIX + tool, ['--version']).status === 0);
}

/**
 * Returns a folder with the programs of mingw. They need a newer C library than this machine has perhaps, so each of
 * them runs where `/usr` is that of the packages. Only `/usr/local` is this machine's.
 */
function unpackedMingw() {
  const names = ['gcc-mingw-w64-x86-64-posix', 'binutils-mingw-w64-x86-64', 'dash', 'coreutils'];
  const usr = join(debianPackages('debian-13-mingw-amd64', 'amd64', names, { dependencies: true }), 'usr');
  return cached('mingw-programs', (folder) => {
    mkdirSync(join(usr, 'local'), { recursive: true });
    const mounts = `[ ! -d /usr/local ] || mount --rbind /usr/local '${usr}/local'\nmount --rbind '${usr}' /usr`;
    const wrap = inNamespace(mounts);
    for (const tool of ['ar', 'as', 'dlltool', 'gcc', 'ld', 'strip']) {
      // An installation of Debian's package would link the name to this one.
      const program = `/usr/bin/${PREFIX}${tool}`;
      const found = existsSync(join(usr, '..', program)) ? program : `${program}-posix`;
      const quoted = wrap([found]).map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
      writeFileSync(join(folder, PREFIX + tool), `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`, { mode: 0o755 });
    }
  });
}

/** Returns an environment in which the programs of mingw are found. */
function mingwPrograms() {
  const env = { ...process.env };
  if (!isInstalled()) env.PATH = unpackedMingw() + delimiter + env.PATH;
  return env;
}

/** Removes what debuggers read from programs and libraries for Windows. */
export function stripDebugInfo(files) {
  run(`${PREFIX}strip`, ['--strip-debug', ...files], { env: mingwPrograms(), what: `${PREFIX}strip` });
}

/** Returns the environment of a build for Windows. */
export function mingwEnvironment() {
  const env = mingwPrograms();
  installRustTargets([TARGET]);
  // napi-build wants to link to Node's library. Nothing of it is used: symbols are found when the addon is loaded.
  env.LIBNODE_PATH = cached('libnode-windows', (folder) => {
    writeFileSync(join(folder, 'libnode.dll'), '');
    run(`${PREFIX}ar`, ['cr', join(folder, 'libnode.a')], { env });
  });
  return env;
}

/**
 * Builds the binding, and puts it into `folder` under the name of the package for Windows. The default is a build for
 * tests, where the package looks for its binding.
 */
export function buildForWindows(folder = root, features = ['windows-tests']) {
  const start = Date.now();
  say(`Building for ${TARGET}`);
  const env = mingwEnvironment();
  const options = ['--release', '--locked', '--target', TARGET, ...features.flatMap((name) => ['--features', name])];
  run('cargo', ['build', '--package', 'waitable-event-node', ...options], { env });
  const built = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  mkdirSync(folder, { recursive: true });
  copyFileSync(
    join(built, TARGET, 'release', 'waitable_event_node.dll'),
    join(folder, 'waitable-event.win32-x64-msvc.node'),
  );
  say(`${((Date.now() - start) / 1000).toFixed(0)} s`);
}
