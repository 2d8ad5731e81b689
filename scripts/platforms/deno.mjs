import { installedRuntime, versionsOf } from '../support/installed-runtimes.mjs';
import { testOn } from '../support/runtimes.mjs';

export const summary = 'Deno 2.9: the example, the main job, and the suite but for what Deno lacks';

/** `args` are jest's. */
export async function run(args) {
  const program = installedRuntime('Deno');
  const command = [program, 'run', '--allow-all', '--v8-flags=--expose-gc'];
  const isGood = await testOn({ name: 'Deno', version: versionsOf('Deno')[0], command, args });
  process.exitCode = isGood ? 0 : 1;
}
