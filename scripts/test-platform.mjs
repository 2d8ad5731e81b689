// Runs the tests on another platform, as far as this machine can. Each platform is a file of scripts/platforms/, which
// exports `summary`, one line, and `run(args)`.
//   node scripts/test-platform.mjs NAME [arguments]
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure } from './support/cache.mjs';

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
  process.exit(isHelp ? 0 : 2);
}
try {
  await platforms.get(name).run(args);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
