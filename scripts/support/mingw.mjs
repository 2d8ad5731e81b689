// Builds for Windows here: with the linker of mingw, which Debian and others have.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, outputOf, root, run, say } from './cache.mjs';
import { installRustTargets } from './zig.mjs';

/** The target that needs no file of Microsoft's. The package is built for x86_64-pc-windows-msvc. */
export const TARGET = 'x86_64-pc-windows-gnu';

/** Returns the environment of such a build. */
export function mingwEnvironment() {
  const advice = 'Install mingw-w64: the package gcc-mingw-w64-x86-64-posix of Debian and Ubuntu.';
  outputOf('x86_64-w64-mingw32-gcc', ['--version'], { advice });
  installRustTargets([TARGET]);
  // napi-build wants to link to Node's library. Nothing of it is used: symbols are found when the addon is loaded.
  const library = cached('libnode-windows', (folder) => {
    writeFileSync(join(folder, 'libnode.dll'), '');
    run('x86_64-w64-mingw32-ar', ['cr', join(folder, 'libnode.a')], { advice });
  });
  return { ...process.env, LIBNODE_PATH: library };
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
