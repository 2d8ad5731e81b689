// Builds the binding for other targets, linked by zig, which brings their C libraries. Refuses a binary that needs a
// newer glibc than the package promises.
//   node scripts/build-target.mjs [--output-dir DIR] --all | target …
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GLIBC_FLOORS, checkFile } from './check-glibc.mjs';
import { Failure, root, run, say } from './support/cache.mjs';
import { installRustTargets, zigEnvironment } from './support/zig.mjs';

/**
 * The targets: what their files are named after, and for glibc the newest version that they may need. Those with
 * `compileOnly` have no package built here: Apple's are linked to show that they can be, and released from a Mac.
 */
export const TARGETS = {
  'x86_64-unknown-linux-gnu': { platform: 'linux-x64-gnu', glibc: GLIBC_FLOORS.x64 },
  'x86_64-unknown-linux-musl': { platform: 'linux-x64-musl' },
  'aarch64-unknown-linux-gnu': { platform: 'linux-arm64-gnu', glibc: GLIBC_FLOORS.arm64 },
  'aarch64-unknown-linux-musl': { platform: 'linux-arm64-musl' },
  'armv7-unknown-linux-gnueabihf': { platform: 'linux-arm-gnueabihf', glibc: GLIBC_FLOORS.arm },
  'riscv64gc-unknown-linux-gnu': { platform: 'linux-riscv64-gnu', glibc: GLIBC_FLOORS.riscv64, compileOnly: true },
  'powerpc64le-unknown-linux-gnu': { platform: 'linux-ppc64-gnu', glibc: GLIBC_FLOORS.ppc64, compileOnly: true },
  's390x-unknown-linux-gnu': { platform: 'linux-s390x-gnu', glibc: GLIBC_FLOORS.s390x, compileOnly: true },
  'x86_64-apple-darwin': { platform: 'darwin-x64', isElf: false, compileOnly: true },
  'aarch64-apple-darwin': { platform: 'darwin-arm64', isElf: false, compileOnly: true },
};

/** Returns what the build tools call a target: zig takes the version of glibc after its name. */
export function zigTarget(target) {
  const { glibc } = TARGETS[target];
  return glibc === undefined ? target : `${target}.${glibc}`;
}

/** Builds the binding for `targets`, and puts the files into `folder`. Returns their paths. */
export function buildTargets(targets, folder = root) {
  installRustTargets(targets);
  const env = zigEnvironment();
  return targets.map((target) => {
    const start = Date.now();
    // Only the binary is taken from here: its types are the same for all targets.
    const output = join(root, 'target', target, 'napi');
    const manifest = join('crates', 'waitable-event-node', 'Cargo.toml');
    const args = ['build', '--manifest-path', manifest, '--platform', '--release', '--no-js', '--output-dir', output];
    say(`Building for ${zigTarget(target)}`);
    run(join(root, 'node_modules', '.bin', 'napi'), [...args, '-x', '--target', zigTarget(target), '--', '--locked'], {
      env,
    });
    const name = `waitable-event.${TARGETS[target].platform}.node`;
    const { isElf = true, glibc } = TARGETS[target];
    if (isElf && !checkFile(join(output, name), glibc)) {
      throw new Failure(`${target}: the binary needs a newer glibc than the package promises`);
    }
    const file = join(folder, name);
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(output, name), file);
    say(`${relative(root, file)}: ${((Date.now() - start) / 1000).toFixed(0)} s`);
    return file;
  });
}

function main() {
  const options = { all: { type: 'boolean' }, 'output-dir': { type: 'string' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const targets = values.all ? Object.keys(TARGETS) : positionals;
  const unknown = targets.filter((target) => !(target in TARGETS));
  if (values.help || targets.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) console.error(`Unknown target ${unknown.join(', ')}`);
    console.error('usage: npm run build:target -- [--output-dir DIR] --all | target …\n\nTargets:');
    for (const [target, { platform, compileOnly }] of Object.entries(TARGETS)) {
      console.error(`  ${target.padEnd(30)} ${platform}${compileOnly ? ' (no package)' : ''}`);
    }
    process.exit(values.help ? 0 : 2);
  }
  buildTargets(targets, resolve(values['output-dir'] ?? root));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
