// The main job, examples/sha256sum, on Node for Windows: what `npm start -- DIR` prints is compared with what
// `sha256sum` of this system prints for the same folder.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Failure, npmPackages, outputOf, root, run, say } from './cache.mjs';
import { windowsPath } from './wine.mjs';

/** The version that Node 22 brings. It is JavaScript alone. */
const NPM = '10.9.9';

const FOLDERS = ['', 'a folder', 'a folder/Ελληνικά', '日本語', '日本語/Ünïcode'];
const NAMES = ['plain', 'with a blank', 'ключ', 'مفتاح', '🔑', '-n', "it's", '(100%) & more', '.hidden', '한글 name'];

/** How many files there are in each folder, and how many bytes the largest of them has. */
const FILES = 80;
const LARGE = 20_000_000;

function makeTree(tree) {
  for (const folder of FOLDERS) {
    mkdirSync(join(tree, folder), { recursive: true });
    for (let index = 0; index < FILES; index += 1) {
      const name = `${NAMES[index % NAMES.length]} ${index}`;
      writeFileSync(join(tree, folder, name), randomBytes(index === FILES - 1 ? LARGE : index * 1000));
    }
  }
}

/** Returns what `npm start -- DIR` prints to a file in Wine. `wrap` is that of `wine()`. */
function printedByNpm({ folder, given, node, variables, wrap }) {
  const npm = join(npmPackages(`npm-${NPM}`, [`npm@${NPM}`]), 'npm', 'bin', 'npm-cli.js');
  const printed = join(folder, 'printed');
  // npm would build first what has changed, and there is no Rust for Windows here.
  const flags = '--silent --ignore-scripts --no-update-notifier';
  const [program, script, output] = [node, npm, printed].map((path) => `"${windowsPath(path)}"`);
  // Windows opens the file itself: Wine cannot tell what kind of file one of Unix is that it inherits.
  const lines = [`@${program} ${script} start ${flags} -- "${given}" > ${output}`, ''];
  writeFileSync(join(folder, 'start.cmd'), lines.join('\r\n'));
  const batch = relative(root, join(folder, 'start.cmd')).replaceAll('/', '\\');
  const [command, ...args] = wrap(['cmd', '/d', '/c', batch]);
  run(command, args, { what: 'npm start', env: { ...process.env, ...variables } });
  return readFileSync(printed, 'utf8');
}

function printedBySha256sum(given) {
  const script = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum';
  return outputOf('sh', ['-c', script, 'sh', given]);
}

function sumOf(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** Runs the main job by `node`, and compares each line. `variables` are those of its environment. */
export function testMainJob({ label, node, variables, wrap }) {
  const folder = mkdtempSync(join(root, 'target', 'main-job-'));
  try {
    const tree = join(folder, 'tree');
    makeTree(tree);
    const given = relative(root, tree);
    const printed = printedByNpm({ folder, given, node, variables, wrap });
    const expected = printedBySha256sum(given);
    const lines = printed.split('\n');
    const count = FOLDERS.length * FILES;
    const isGood = printed === expected && lines.length === count + 1;
    say(
      `${label}: npm start -- DIR prints ${lines.length - 1} lines for ${count} files, with the sum ${sumOf(printed)}`,
    );
    say(`${label}: sha256sum prints what has the sum ${sumOf(expected)}`);
    if (isGood) return true;
    const wrong = expected.split('\n').findIndex((line, index) => line !== lines[index]);
    say(`${label}: line ${wrong + 1} is "${lines[wrong]}"`);
    return false;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`${label}: ${error.message}`);
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
