// Refuses what a reader stumbles over: lines of more than 120 columns, and actors without a name. Rows of tables,
// links, and the programs that tests hold as strings may be longer.
//   node scripts/check-prose.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const places = ['*.md', '*.ts', 'src', 'crates', 'docs', 'examples', 'bench', 'scripts', 'packages', '__test__'];
const checked = /\.(?:ts|m?js|rs|md)$/;
const generated = /(?:^|\/)(?:binding\.|index\.d\.ts$|testing\.d\.ts$|pool\.d\.ts$)|^docs\/results\.md$/;

const columns = 120;
const nameless = /\b(?:some|no|every)body\b|\bwhoever\b/i;

const faults = [];
const files = execFileSync('git', ['ls-files', '--', ...places], { cwd: root, encoding: 'utf8' }).split('\n');
for (const file of files.filter((name) => checked.test(name) && !generated.test(name))) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  lines.forEach((line, index) => {
    const isTable = file.endsWith('.md') && line.startsWith('|');
    const isProgram = /(?:^|\/)__test__\//.test(file) && !/^\s*(?:\/\/|\*|\/\*)/.test(line);
    if (line.length > columns && !isTable && !isProgram && !line.includes('://')) {
      faults.push(`${file}:${index + 1}: ${line.length} columns, at most ${columns}`);
    }
    const name = nameless.exec(line)?.[0];
    if (name !== undefined && file !== 'scripts/check-prose.mjs') {
      faults.push(`${file}:${index + 1}: "${name}": name the caller, the waiter, the producer, the owner`);
    }
  });
}
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
