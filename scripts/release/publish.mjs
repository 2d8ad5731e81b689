// Publishes packed packages: those of the platforms first, the package itself when these can be installed, and then
// what adds to it.
// So an interrupted run leaves nothing that is half there, and a second run goes on where the first one stopped.
//   node scripts/release/publish.mjs [DIR] [--registry URL]
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure, root, run, say } from '../support/cache.mjs';

/** How long a registry may take to show what was published, in milliseconds, and between two looks. */
const PATIENCE = 300_000;
const PAUSE = 2000;

/** Returns the checksum of a package that the registry has; undefined if it has none of that version. */
function publishedIntegrity({ name, version }, env) {
  const { status, stdout, stderr } = spawnSync('npm', ['view', `${name}@${version}`, 'dist.integrity', '--json'], {
    env,
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0) return stdout.trim() === '' ? undefined : JSON.parse(stdout);
  if (/E404/.test(stdout + stderr)) return undefined;
  throw new Failure(`npm view ${name}@${version}: exit code ${status}\n${stderr}`);
}

/** Tells whether the registry has a package. Throws if it has another one of that name and version. */
function isPublished(each, env) {
  const integrity = publishedIntegrity(each, env);
  if (integrity !== undefined && integrity !== each.integrity) {
    throw new Failure(
      `${each.name}@${each.version} is published, with other contents. A version cannot be replaced: publish what ` +
        'was packed then (run the failed job alone again), or raise the version.',
    );
  }
  return integrity !== undefined;
}

async function waitUntilPublished(packages, env) {
  const end = Date.now() + PATIENCE;
  for (const each of packages) {
    while (!isPublished(each, env)) {
      if (Date.now() > end)
        throw new Failure(`The registry does not show ${each.name}@${each.version}: run this again`);
      await sleep(PAUSE);
    }
  }
}

/**
 * Publishes `packages`, whose tarballs are in `folder`, in their order; `env` is the environment of npm. Returns the
 * names of those that were not there yet.
 */
export async function publishAll(packages, folder, env = process.env) {
  const published = [];
  for (const each of packages) {
    if (isPublished(each, env)) {
      say(`${each.name}@${each.version} is published already`);
    } else {
      if (each.kind !== 'platform') await waitUntilPublished(packages.slice(0, packages.indexOf(each)), env);
      const tag = each.version.includes('-') ? 'next' : 'latest';
      run('npm', ['publish', '--tag', tag, '--access', 'public', join(folder, each.file)], { env });
      published.push(each.name);
    }
  }
  return published;
}

async function main() {
  const options = { registry: { type: 'string' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    console.error(`usage: npm run release:publish -- [DIR] [--registry URL]

Publishes the packages that npm run release:pack has put into DIR (target/packages). What is published already is left
alone. npm takes its other settings from where it always does: NPM_CONFIG_PROVENANCE=true is for CI.`);
    return;
  }
  const folder = resolve(positionals[0] ?? join(root, 'target', 'packages'));
  const packages = JSON.parse(readFileSync(join(folder, 'packages.json'), 'utf8'));
  const env = values.registry === undefined ? process.env : { ...process.env, NPM_CONFIG_REGISTRY: values.registry };
  await publishAll(packages, folder, env);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  });
}
