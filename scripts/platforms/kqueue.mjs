import { builtCopy, run as runCommand, withoutTests } from '../support/built-copy.mjs';

export const summary = 'the kqueue backend of macOS and FreeBSD, over a stand-in on Linux';

const FLAGS = '--cfg waitable_kqueue_stand_in';

/** The tests that cannot pass, by their full names, each with the reason. */
export const CANNOT = {};

/** Runs the Rust tests and the jest suite with the stand-in. Arguments go to jest. */
export function run(args) {
  const env = { RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} ${FLAGS}`.trim(), CARGO_TARGET_DIR: 'target/kqueue' };
  if (args.length === 0) runCommand('cargo', ['test', '-p', 'waitable-event', '--locked'], { env });
  const tree = builtCopy('kqueue', { RUSTFLAGS: env.RUSTFLAGS });
  runCommand('node', ['scripts/jest.mjs', ...withoutTests(Object.keys(CANNOT)), ...args], { cwd: tree });
}
