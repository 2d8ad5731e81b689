import { installedRuntime, versionsOf } from '../support/installed-runtimes.mjs';
import { testOn } from '../support/runtimes.mjs';

export const summary = 'Bun 1.4: the example, the main job, and the suite but for what Bun lacks; 1.3: the first two';

/** `args` are a version, to run that one alone, and then jest's. */
export async function run(args) {
  const versions = versionsOf('Bun');
  const chosen = versions.filter((version) => args[0] === version);
  const rest = args.slice(chosen.length);
  let isGood = true;
  for (const version of chosen.length > 0 ? chosen : versions) {
    const program = installedRuntime('Bun', version);
    const command = [program, '--bun', '--expose-gc'];
    isGood = (await testOn({ name: 'Bun', version, command, args: rest, hasJest: version !== '1.3.14' })) && isGood;
  }
  process.exitCode = isGood ? 0 : 1;
}
