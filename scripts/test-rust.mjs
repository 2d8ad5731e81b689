// Runs the Rust tests, then the loom models of the core. The models are compiled with their own flags into their own
// folder. Otherwise each change of flags would rebuild everything.
import { spawnSync } from 'node:child_process';

function cargo(args, env = {}) {
  const { status, error } = spawnSync('cargo', args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) console.error(`cargo: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

cargo(['test', '--workspace', '--locked']);
cargo(['test', '-p', 'waitable-event', '--test', 'loom', '--release', '--locked'], {
  RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} --cfg loom`.trim(),
  CARGO_TARGET_DIR: 'target/loom',
});
