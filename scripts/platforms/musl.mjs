import { join } from 'node:path';
import { buildTargets } from '../build-target.mjs';
import { runJest } from '../jest.mjs';
import { say } from '../support/cache.mjs';
import { muslNode, whereMuslIs } from '../support/musl-node.mjs';
import { ensureBuild, nativePackages } from '../support/tested-build.mjs';

export const summary = 'Linux x64 with musl: the whole suite, on Node 22 (thread driver) and 24';

const RUNS = [
  { version: '22.20.0', driver: 'thread' },
  { version: '24.19.0', driver: 'default' },
];

/** Runs the jest suite; `args` are jest's. */
export async function run(args) {
  ensureBuild();
  buildTargets(['x86_64-unknown-linux-musl']);
  const packages = nativePackages('linux-x64-musl');
  const failed = [];
  for (const { version, driver } of RUNS) {
    const folder = muslNode('x64', version);
    say('In a mount namespace of its own, with an ldd that says "musl"');
    failed.push(
      ...(await runJest({
        node: join(folder, 'bin', 'node'),
        label: `${version}-musl`,
        drivers: [driver],
        args,
        variables: { NODE_PATH: packages },
        wrap: whereMuslIs(folder),
      })),
    );
  }
  process.exitCode = failed.length === 0 ? 0 : 1;
}
