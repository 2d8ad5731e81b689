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

/** Builds the binding for tests, and puts it where the package looks for that of Windows. */
export function buildForWindows() {
  const start = Date.now();
  say(`Building for ${TARGET}`);
  const env = mingwEnvironment();
  const options = ['--release', '--locked', '--target', TARGET, '--features', 'windows-tests'];
  run('cargo', ['build', '--package', 'waitable-event-node', ...options], { env });
  const folder = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  mkdirSync(root, { recursive: true });
  copyFileSync(
    join(folder, TARGET, 'release', 'waitable_event_node.dll'),
    join(root, 'waitable-event.win32-x64-msvc.node'),
  );
  say(`${((Date.now() - start) / 1000).toFixed(0)} s`);
}
