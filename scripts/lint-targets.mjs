// Compiles and lints the Rust sources for the systems that this machine is not. No linker is needed for that.
//   node scripts/lint-targets.mjs
import { spawnSync } from 'node:child_process';

const WINDOWS = ['x86_64-pc-windows-msvc', 'aarch64-pc-windows-msvc'];
const TARGETS = ['x86_64-apple-darwin', 'aarch64-apple-darwin', 'x86_64-unknown-freebsd', ...WINDOWS];
const STAND_IN = '--cfg waitable_kqueue_stand_in';

function run(command, args, flags, folder) {
  const RUSTFLAGS = `${process.env.RUSTFLAGS ?? ''} ${flags ?? ''}`.trim();
  console.error(`\n$ ${flags === undefined ? '' : `RUSTFLAGS='${RUSTFLAGS}' `}${command} ${args.join(' ')}`);
  // Other flags have a folder of their own: each change would rebuild everything.
  const env = flags === undefined ? {} : { RUSTFLAGS, CARGO_TARGET_DIR: folder };
  const result = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function clippy(options, ...flagsAndFolder) {
  run('cargo', ['clippy', ...options, '--locked', '--', '-D', 'warnings'], ...flagsAndFolder);
}

const { status } = spawnSync('rustup', ['target', 'add', ...TARGETS], { stdio: 'inherit' });
if (status === 0) {
  for (const target of TARGETS) {
    clippy(['-p', 'waitable-event', '--all-targets', '--target', target]);
    clippy(['-p', 'waitable-event-node', '--target', target]);
  }
} else {
  // A Rust of the distribution, or no network.
  console.error(`Skipped ${TARGETS.join(', ')}: rustup cannot add their standard libraries.`);
}
clippy(['-p', 'kqueue-stand-in', '-p', 'waitable-event', '--all-targets'], STAND_IN, 'target/kqueue');
