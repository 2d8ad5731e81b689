// Runs the tests on another platform, as far as this machine can. Each platform is a file of scripts/platforms/, which
// exports `summary`, one line, and `run(args)`.
//   node scripts/test-platform.mjs NAME [arguments]
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = join(import.meta.dirname, 'platforms');
const platforms = new Map();
for (const file of readdirSync(folder).toSorted()) {
  platforms.set(file.replace(/\.mjs$/, ''), await import(pathToFileURL(join(folder, file)).href));
}

const [name, ...args] = process.argv.slice(2);
if (platforms.has(name)) {
  await platforms.get(name).run(args);
} else {
  console.error('usage: npm run test:platform -- NAME [arguments]\n\nPlatforms:');
  for (const [each, { summary }] of platforms) console.error(`  ${each.padEnd(12)} ${summary}`);
  process.exitCode = 2;
}
