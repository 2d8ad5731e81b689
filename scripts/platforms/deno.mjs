import { installedRuntime, testOn } from '../support/runtimes.mjs';

export const summary = 'Deno 2.9: the example, the main job, and the suite but for what Deno lacks';

const VERSION = '2.9.6';

/** `args` are jest's. */
export async function run(args) {
  const program = installedRuntime('@deno/linux-x64-glibc', VERSION, 'deno');
  const command = [program, 'run', '--allow-all', '--v8-flags=--expose-gc'];
  const isGood = await testOn({ name: 'Deno', version: VERSION, command, args });
  process.exitCode = isGood ? 0 : 1;
}
