// Refuses lock files with an entry that could be replaced unnoticed: one without a checksum.
//   node scripts/check-lock-files.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Entries without a checksum that are accepted, `FILE ENTRY`, each with the reason. There is none today. */
const ACCEPTED = new Set();

const filesOf = (name) =>
  execFileSync('git', ['ls-files', '--', `:(glob)**/${name}`], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n');

const faults = [];
for (const file of filesOf('package-lock.json')) {
  const { packages } = JSON.parse(readFileSync(join(root, file), 'utf8'));
  for (const [path, { integrity, link }] of Object.entries(packages)) {
    // What begins with a dot is a folder of this repository.
    if (path !== '' && !path.startsWith('.') && !link && !integrity) faults.push(`${file} ${path}`);
  }
}
for (const file of filesOf('Cargo.lock')) {
  for (const entry of readFileSync(join(root, file), 'utf8').split('[[package]]').slice(1)) {
    const name = /^name = "(.+)"$/m.exec(entry)?.[1];
    if (/^source = /m.test(entry) && !/^checksum = /m.test(entry)) faults.push(`${file} ${name}`);
  }
}
const refused = faults.filter((fault) => !ACCEPTED.has(fault));
for (const fault of refused) console.error(`${fault}: no checksum. Remove the entry, and run npm install again.`);
process.exitCode = refused.length === 0 ? 0 : 1;
