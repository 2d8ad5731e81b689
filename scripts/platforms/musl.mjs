import { join } from 'node:path';
import { buildTargets } from '../build-target.mjs';
import { splitArguments } from '../support/arguments.mjs';
import { say } from '../support/cache.mjs';
import { muslNode, whereMuslIs } from '../support/musl-node.mjs';
import { PATIENT, testTwice } from '../support/second-run.mjs';
import { SMALL_SUBSET, SUBSET } from '../support/subset.mjs';
import { ensureBuild, nativePackages } from '../support/tested-build.mjs';

export const summary = 'Linux x64 with musl: the whole suite, on Node 22 (thread driver) and 24';

const RUNS = [
  { version: '22.20.0', driver: 'thread', subset: SMALL_SUBSET },
  { version: '24.19.0', driver: 'default', subset: SUBSET },
];

/** Runs the jest suite; with `--subset`, a part of it. Other `args` are jest's. */
export async function run(args) {
  ensureBuild();
  buildTargets(['x86_64-unknown-linux-musl']);
  const packages = nativePackages('linux-x64-musl');
  const { values, patterns, rest } = splitArguments(args);
  let isGood = true;
  for (const { version, driver, subset } of RUNS) {
    const folder = muslNode('x64', version);
    say('In a mount namespace of its own, with an ldd that says "musl"');
    const passed = await testTwice({
      node: join(folder, 'bin', 'node'),
      label: `${version}-musl`,
      driver,
      args: ['--maxWorkers=3', ...rest],
      patterns: patterns.length === 0 && values.has('subset') ? subset : patterns,
      variables: { ...PATIENT, NODE_PATH: packages },
      wrap: whereMuslIs(folder),
    });
    isGood &&= passed;
  }
  process.exitCode = isGood ? 0 : 1;
}
