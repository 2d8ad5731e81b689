import { installedRuntime, testOn } from '../support/runtimes.mjs';

export const summary = 'Bun 1.4: the example, the main job, and the suite but for what Bun lacks; 1.3: the first two';

const VERSIONS = ['1.4.5', '1.3.14'];

/** `args` are a version, to run that one alone, and then jest's. */
export async function run(args) {
  const chosen = VERSIONS.filter((version) => args[0] === version);
  const rest = args.slice(chosen.length);
  let isGood = true;
  for (const version of chosen.length > 0 ? chosen : VERSIONS) {
    const program = installedRuntime('@oven/bun-linux-x64', version, 'bin/bun');
    const command = [program, '--bun', '--expose-gc'];
    isGood = (await testOn({ name: 'Bun', version, command, args: rest, hasJest: version !== '1.3.14' })) && isGood;
  }
  process.exitCode = isGood ? 0 : 1;
}
