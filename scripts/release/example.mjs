// README's example as programs of a project: CommonJS, an ECMAScript module, and TypeScript.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/cache.mjs';

/** What the example prints. */
export const PRINTED = '79.5 of at most 80 °C\n';

function readExample() {
  return /^```js\n([^]*?)^```$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))[1];
}

/** Replaces `require()` and `__filename` by what modules have. */
function asModule(source) {
  return source
    .replaceAll(/^const (\{.+\}) = require\((.+)\);$/gm, 'import $1 from $2;')
    .replaceAll('__filename', 'new URL(import.meta.url)');
}

/** Writes the programs into a project: `main.cjs`, `main.mjs` and `main.mts`, which tsc compiles to `out/main.mjs`. */
export function writeExamples(folder) {
  const source = readExample();
  writeFileSync(join(folder, 'main.cjs'), source);
  writeFileSync(join(folder, 'main.mjs'), asModule(source));
  writeFileSync(join(folder, 'main.mts'), asModule(source));
  const types = join(root, 'node_modules', '@types');
  const options = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    types: ['node'],
    typeRoots: [types],
    outDir: 'out',
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...options, rootDir: '.' }, files: ['main.mts'] }),
  );
}

/** The command line that compiles the TypeScript of a project. */
export function compile(folder) {
  return [process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', folder];
}
