// Compiles the crates with the oldest Rust that they promise to work with: `rust-version` in Cargo.toml.
//   node scripts/check-msrv.mjs
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, root, run, say } from './support/cache.mjs';

const version = /^rust-version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1];
const advice = 'This needs rustup.';
try {
  say(`Rust ${version}`);
  run('rustup', ['toolchain', 'install', version, '--profile', 'minimal', '--no-self-update'], { advice });
  // The tests of the binding are not compiled: it needs a Node process around it.
  for (const what of [['--workspace'], ['--package', 'waitable-event', '--all-targets']]) {
    run('cargo', [`+${version}`, 'check', ...what, '--locked'], {
      env: { ...process.env, CARGO_TARGET_DIR: join('target', 'msrv') },
    });
  }
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
