// Runs the tests on another platform, as far as this machine can. Each platform is a file of scripts/platforms/, which
// exports `summary`, one line, and `run(args)`. The exit code is 77 if this machine
// cannot run them, and nothing was tested.
//   node scripts/test-platform.mjs NAME [arguments]
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure, Unavailable } from './support/cache.mjs';

const UNAVAILABLE = 77;

const folder = join(import.meta.dirname, 'platforms');
const platforms = new Map();
for (const file of readdirSync(folder).toSorted()) {
  platforms.set(file.replace(/\.mjs$/, ''), await import(pathToFileURL(join(folder, file)).href));
}

const [name, ...args] = process.argv.slice(2);
if (!platforms.has(name)) {
  const isHelp = name === '--help';
  if (!isHelp) console.error(name === undefined ? 'Which platform?' : `Unknown platform ${name}`);
  console.error('usage: npm run test:platform -- NAME [arguments]\n\nPlatforms:');
  for (const [each, { summary }] of platforms) console.error(`  ${each.padEnd(12)} ${summary}`);
  console.error(`\nThe exit code is ${UNAVAILABLE} if this machine cannot run the tests at all.`);
  process.exit(isHelp ? 0 : 2);
}
try {
  await platforms.get(name).run(args);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof Unavailable ? UNAVAILABLE : 1;
}
