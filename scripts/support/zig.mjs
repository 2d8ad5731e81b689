// zig as the linker for other targets: it brings the C libraries of all of them, in every version.
import { readdirSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cached, outputOf, run, say } from './cache.mjs';
import { pythonEnvironment } from './python.mjs';

const ZIG = '0.17.1';
const ZIGBUILD = '0.24.1';

/** Returns the environment of a cross build: zig and cargo-zigbuild are found first. Installs both if need be. */
export function zigEnvironment() {
  const python = pythonEnvironment(`zig-${ZIG}-${ZIGBUILD}`, [`ziglang==${ZIG}`, `cargo-zigbuild==${ZIGBUILD}`]);
  const version = readdirSync(join(python, 'lib')).find((name) => name.startsWith('python3'));
  // The napi CLI calls `zig`, a name that the package does not install.
  const bin = cached(`zig-${ZIG}-${ZIGBUILD}-bin`, (folder) => {
    symlinkSync(join(python, 'lib', version, 'site-packages', 'ziglang', 'zig'), join(folder, 'zig'));
    symlinkSync(join(python, 'bin', 'cargo-zigbuild'), join(folder, 'cargo-zigbuild'));
  });
  return {
    ...process.env,
    PATH: bin + delimiter + process.env.PATH,
    CARGO_ZIGBUILD_CACHE_DIR: cached('cargo-zigbuild', () => {}),
    ZIG_GLOBAL_CACHE_DIR: cached('zig-global', () => {}),
  };
}

/** Installs the standard library of Rust for the targets that lack it. */
export function installRustTargets(targets) {
  const advice = 'Install Rust with rustup, or its standard library for these targets.';
  const installed = outputOf('rustup', ['target', 'list', '--installed'], { advice }).split('\n');
  const missing = targets.filter((target) => !installed.includes(target));
  if (missing.length > 0) {
    say(`rustup target add ${missing.join(' ')}`);
    run('rustup', ['target', 'add', ...missing], { advice });
  }
}
