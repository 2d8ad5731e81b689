// Compiles programs that use the package with each supported TypeScript, as a user's project would: every way of
// resolving modules, strict, and without skipLibCheck. The compilers are kept in a cache folder.
//   node scripts/consumer-types.mjs [version …]
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const cache = join(root, '.typescript-versions');
const versions = { '5.0': '5.0.4', 5.9: '5.9.3', '6.0': '6.0.3', '7.0': '7.0.2' };

/** The programs, in `__test__/types`. */
const sources = readdirSync(join(root, '__test__', 'types')).map((file) => basename(file, '.ts'));

/** Each way to compile: the options, and the extension that makes the programs modules of that kind. */
const ways = {
  'nodenext, ESM': { options: { module: 'nodenext', moduleResolution: 'nodenext' }, extension: '.mts' },
  'nodenext, CommonJS': { options: { module: 'nodenext', moduleResolution: 'nodenext' }, extension: '.cts' },
  bundler: { options: { module: 'esnext', moduleResolution: 'bundler' }, extension: '.ts' },
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(versions);
const unknown = wanted.filter((version) => !(version in versions));
if (unknown.length > 0) {
  console.error(`Unknown TypeScript ${unknown.join(', ')}; known: ${Object.keys(versions).join(', ')}`);
  process.exit(1);
}
install(wanted);

const project = mkdtempSync(join(tmpdir(), 'waitable-event-types-'));
process.on('exit', () => rmSync(project, { recursive: true, force: true }));
makeProject();

let failures = 0;
for (const version of wanted) {
  for (const [way, { options, extension }] of Object.entries(ways)) {
    sources.forEach((name) =>
      cpSync(join(root, '__test__', 'types', `${name}.ts`), join(project, `${name}${extension}`)),
    );
    const config = { ...options, target: 'es2022', lib: ['es2022'], types: [], noEmit: true };
    const strict = { strict: true, exactOptionalPropertyTypes: true, noImplicitOverride: true, skipLibCheck: false };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...config, ...strict },
        files: sources.map((name) => `${name}${extension}`),
      }),
    );
    const compiler = join(cache, 'node_modules', `typescript-${version}`, 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '--pretty', 'false'], {
      cwd: project,
      encoding: 'utf8',
      timeout: 300_000,
    });
    console.log(`TypeScript ${versions[version]}, ${way}: ${status === 0 ? 'passed' : 'FAILED'}`);
    if (status !== 0) {
      failures += 1;
      console.log(stdout);
    }
  }
}
process.exitCode = failures === 0 ? 0 : 1;

/** Makes a project in which the package is installed, as far as a compiler looks at it. */
function makeProject() {
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'waitable-event', 'lib'), { recursive: true });
  mkdirSync(join(modules, '@types'));
  for (const file of ['package.json', 'index.d.ts', 'testing.d.ts', 'pool.d.ts']) {
    cpSync(join(root, file), join(modules, 'waitable-event', file));
  }
  symlinkSync(join(root, 'node_modules', '@types', 'node'), join(modules, '@types', 'node'));
  symlinkSync(join(root, 'node_modules', 'undici-types'), join(modules, 'undici-types'));
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
}

/** Installs the compilers that the cache lacks. */
function install(names) {
  const missing = names.filter((name) => {
    const manifest = join(cache, 'node_modules', `typescript-${name}`, 'package.json');
    return !existsSync(manifest) || JSON.parse(readFileSync(manifest, 'utf8')).version !== versions[name];
  });
  if (missing.length === 0) return;
  mkdirSync(cache, { recursive: true });
  if (!existsSync(join(cache, 'package.json'))) writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const packages = missing.map((name) => `typescript-${name}@npm:typescript@${versions[name]}`);
  const { status } = spawnSync('npm', ['install', '--prefix', cache, '--ignore-scripts', '--no-audit', ...packages], {
    cwd: cache,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}
