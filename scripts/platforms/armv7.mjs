import { join } from 'node:path';
import { testEmulated } from '../support/emulated-tests.mjs';
import { systemRoot } from '../support/emulator.mjs';

export const summary = "Linux armv7 under qemu: Rust's tests, and a subset of the suite on Debian's Node 20";

/** Runs the tests; `args` are jest's, and may name other files than those of the subset. */
export async function run(args) {
  // npm has no Node for this processor since 20.11.
  const root = systemRoot('armhf', ['nodejs']);
  await testEmulated({
    target: 'armv7-unknown-linux-gnueabihf',
    processor: 'arm',
    systemRoot: root,
    node: join(root, 'usr', 'bin', 'node'),
    label: '20-armv7',
    args,
  });
}
