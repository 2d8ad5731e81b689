// Packs what is published: a tarball for each platform, one of the package itself, which names them as exact optional
// dependencies, and one of waitable-event-bullmq. Refuses a binary that is too new for its platform or not stripped,
// and a tarball that is too large or holds other files than those that are meant.
//   node scripts/release/pack.mjs --bindings DIR [--output DIR] [--placeholders]
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TARGETS } from '../build-target.mjs';
import { checkFile } from '../check-glibc.mjs';
import { platformPackages, readManifest } from '../platform-packages.mjs';
import { Failure, outputOf, root, say } from '../support/cache.mjs';
import { isStripped } from '../support/elf.mjs';

/** The largest tarballs, in bytes: about a third more than they have today. */
const MAIN_LIMIT = 120_000;
const PLATFORM_LIMIT = 500_000;
const BULLMQ_LIMIT = 60_000;

/**
 * What of package.json is not published: what is for this tree alone, and so scripts of any kind. `private` keeps
 * `npm publish` from publishing the tree itself, without the packages of the platforms.
 */
const UNPUBLISHED = ['allowScripts', 'devDependencies', 'napi', 'private', 'scripts'];

const DOCUMENTS = ['LICENSE', 'README.md'];

/** The folder of the package for many machines. */
const BULLMQ = 'packages/bullmq';

/** Returns the manifest that is published. The optional dependencies exist from the first release on, not before. */
export function publishedManifest() {
  const manifest = readManifest();
  const optionalDependencies = Object.fromEntries(
    platformPackages(manifest).map(({ name }) => [name, manifest.version]),
  );
  for (const field of UNPUBLISHED) delete manifest[field];
  return { ...manifest, optionalDependencies };
}

/** Throws if the crates, or the package for many machines, have another version than the package. */
function checkVersions({ version }) {
  const crates = /^version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))?.[1];
  const bullmq = JSON.parse(readFileSync(join(root, BULLMQ, 'package.json'), 'utf8'));
  for (const [file, other] of [
    ['Cargo.toml', crates],
    [`${BULLMQ}/package.json`, bullmq.version],
    [`peerDependencies of ${BULLMQ}/package.json`, bullmq.peerDependencies['waitable-event'].replace('^', '')],
  ]) {
    if (other !== version) {
      throw new Failure(`package.json has version ${version}, and ${file} ${other}: give both the same`);
    }
  }
}

/** Throws if a binary is not what its package promises. */
function checkBinary(path, { target }) {
  if (!target.includes('linux')) return;
  if (!checkFile(path, TARGETS[target].glibc)) throw new Failure(`${path} needs a newer glibc than ${target} promises`);
  if (!isStripped(readFileSync(path))) throw new Failure(`${path} has a table of symbols: it is to be stripped`);
}

/**
 * Packs a folder, and checks the tarball against its limit and the files that it should have. `kind` says what it is:
 * the package of a `platform`, the `main` one, or an `addition` to that.
 */
function packFolder(folder, output, kind, limit, expected) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', output];
  const [report] = JSON.parse(outputOf('npm', args, { cwd: folder }));
  const files = report.files.map(({ path }) => path).toSorted();
  const meant = expected.toSorted();
  if (files.join() !== meant.join()) {
    throw new Failure(`${report.name} would have ${files.join(', ')}; meant are ${meant.join(', ')}`);
  }
  if (report.size > limit) {
    throw new Failure(`${report.name}: ${report.size} bytes, at most ${limit} (scripts/release/pack.mjs)`);
  }
  say(`${report.filename}: ${files.length} files, ${report.size} bytes, unpacked ${report.unpackedSize}`);
  return {
    name: report.name,
    kind,
    version: report.version,
    integrity: report.integrity,
    file: report.filename,
  };
}

/** Fills a folder for the package of a platform. Returns the names of its files. */
function stagePlatform(folder, each, bindings, placeholders) {
  const binary = join(bindings, each.file);
  cpSync(join(root, 'npm', each.platform), folder, { recursive: true });
  if (existsSync(binary)) {
    checkBinary(binary, each);
    copyFileSync(binary, join(folder, each.file));
  } else if (placeholders) {
    writeFileSync(join(folder, each.file), 'A placeholder of a rehearsal\n');
  } else {
    throw new Failure(`${binary} is missing: build it by npm run build:target -- --output-dir DIR ${each.target}`);
  }
  return ['package.json', ...DOCUMENTS, each.file];
}

/** Fills a folder for the package itself. Returns the names of its files. */
function stageMain(folder) {
  const lib = readdirSync(join(root, 'lib')).map((name) => `lib/${name}`);
  const files = [...lib, 'index.d.ts', 'testing.d.ts', 'pool.d.ts', ...DOCUMENTS];
  mkdirSync(join(folder, 'lib'), { recursive: true });
  for (const file of files) cpSync(join(root, file), join(folder, file));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedManifest(), undefined, 2)}\n`);
  return ['package.json', ...files];
}

/** Fills a folder for the package for many machines. Returns the names of its files. */
function stageBullmq(folder) {
  const from = join(root, BULLMQ);
  if (!existsSync(join(from, 'lib', 'index.js'))) {
    throw new Failure(`${BULLMQ}/lib is missing: npm run test:bullmq -- --prepare`);
  }
  const inFolders = ['bin', 'lib'].flatMap((name) =>
    readdirSync(join(from, name), { recursive: true, encoding: 'utf8' }).map((file) => `${name}/${file}`),
  );
  const files = [...inFolders.filter((file) => /\.(?:js|d\.ts)$/.test(file)), ...DOCUMENTS];
  mkdirSync(folder, { recursive: true });
  for (const file of files) cpSync(join(from, file), join(folder, file));
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  for (const field of UNPUBLISHED) delete manifest[field];
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return ['package.json', ...files];
}

/**
 * Packs all packages into `output`. The binaries are in `bindings`; with `placeholders`, a text stands for one that is
 * missing. Returns the packages in the order in which they are to be published: those of the platforms, the package
 * itself, and what adds to it. `file` is the name of a tarball in `output`.
 */
export function packAll({ bindings, output, placeholders = false }) {
  const manifest = readManifest();
  checkVersions(manifest);
  if (!existsSync(join(root, 'lib', 'index.js'))) throw new Failure('lib/ is missing: npm run build');
  mkdirSync(output, { recursive: true });
  const stage = mkdtempSync(join(tmpdir(), 'waitable-event-pack-'));
  try {
    const packed = platformPackages(manifest).map((each) => {
      const folder = join(stage, each.platform);
      const files = stagePlatform(folder, each, bindings, placeholders);
      return packFolder(folder, output, 'platform', PLATFORM_LIMIT, files);
    });
    const folder = join(stage, manifest.name);
    packed.push(packFolder(folder, output, 'main', MAIN_LIMIT, stageMain(folder)));
    const addition = join(stage, 'bullmq');
    packed.push(packFolder(addition, output, 'addition', BULLMQ_LIMIT, stageBullmq(addition)));
    return packed;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function main() {
  const options = {
    bindings: { type: 'string' },
    output: { type: 'string', default: join(root, 'target', 'packages') },
    placeholders: { type: 'boolean' },
    help: { type: 'boolean' },
  };
  const { values } = parseArgs({ options });
  if (values.help || values.bindings === undefined) {
    console.error(`usage: npm run release:pack -- --bindings DIR [--output DIR] [--placeholders]

Packs all packages into DIR (target/packages). The bindings, waitable-event.PLATFORM.node, are found anywhere below
--bindings. With --placeholders, a text stands for a binding that is missing: for rehearsals.`);
    process.exit(values.help ? 0 : 2);
  }
  const output = resolve(values.output);
  rmSync(output, { recursive: true, force: true });
  const bindings = gather(resolve(values.bindings));
  try {
    const packed = packAll({ bindings, output, placeholders: values.placeholders });
    writeFileSync(join(output, 'packages.json'), `${JSON.stringify(packed, undefined, 2)}\n`);
  } finally {
    rmSync(bindings, { recursive: true, force: true });
  }
}

/** Copies all bindings below a folder, as CI downloads them, into one folder. */
function gather(from) {
  const folder = mkdtempSync(join(tmpdir(), 'waitable-event-bindings-'));
  for (const name of readdirSync(from, { recursive: true }).filter((each) => each.endsWith('.node'))) {
    copyFileSync(join(from, name), join(folder, name.split(/[/\\]/).at(-1)));
  }
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
