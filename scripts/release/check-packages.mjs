// Has publint and attw look at tarballs. Each of their messages is a failure.
//   node scripts/release/check-packages.mjs [DIR]
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, root, say } from '../support/cache.mjs';
import { releaseTools } from './tools.mjs';

/** Without colours: publint has them where CI is set, also when it writes into a pipe. */
const env = { ...process.env, NO_COLOR: '1' };
delete env.FORCE_COLOR;

/** Runs a tool, and throws what it printed if it fails or says something else than `clean`. */
function check(tool, args, clean) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [tool, ...args], { encoding: 'utf8', env });
  if (error !== undefined || status !== 0 || !clean.test(stdout)) {
    throw new Failure(
      `${basename(tool)} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}\n${stdout}${stderr}`,
    );
  }
}

/** Returns whether a tarball has JavaScript and types. */
const hasTypes = (file) => /^waitable-event(?:-bullmq)?-\d/.test(basename(file));

/** Checks tarballs. */
export function checkPackages(tarballs) {
  const { attw, publint } = releaseTools();
  for (const file of tarballs) {
    check(publint, ['run', '--strict', file], /^All good!$/m);
    // The others have no types, and no JavaScript that could use them.
    const clean = hasTypes(file) ? /No problems found/ : /does not contain types/;
    check(attw, ['--no-color', '--no-emoji', '--format', 'ascii', file], clean);
  }
  say(`publint and attw find nothing in ${tarballs.length} packages`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = resolve(process.argv[2] ?? join(root, 'target', 'packages'));
  try {
    const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    if (!tarballs.some(hasTypes)) throw new Failure(`No packages in ${folder}: npm run release:pack`);
    checkPackages(tarballs.map((name) => join(folder, name)));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
