// Builds the package: the binding from crates/, then lib/ from src/.
//   node scripts/build.mjs [--changed]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const RUST_HINT = 'Install it with rustup, https://rustup.rs, and open a new shell.';

/** Where the last build has left what it was made of. */
const stampPath = join(root, 'target', 'built.json');

/** What is built, in this order: by which script of package.json, from which files and folders, into which. */
const PARTS = {
  binding: {
    script: 'build:native',
    needsRust: true,
    inputs: ['Cargo.toml', 'Cargo.lock', 'crates/waitable-event', 'crates/waitable-event-node'],
    settings: ({ scripts }) => [scripts['build:napi'], scripts['build:native']],
    outputs: () => ['binding.d.ts', ...readdirSync(root).filter((name) => name.startsWith(hostBinding()))],
  },
  facade: {
    script: 'build:ts',
    inputs: [
      'index.ts',
      'testing.ts',
      'pool.ts',
      'src',
      'binding.d.ts',
      'package-lock.json',
      'tsconfig.json',
      'scripts/bundle.mjs',
      'scripts/rollup-types.mjs',
    ],
    settings: ({ scripts }) => [scripts['build:ts']],
    outputs: () => ['dist', 'lib', 'index.d.ts', 'testing.d.ts', 'pool.d.ts'],
  },
};

/** Returns how the name of this machine's binding begins. Those of other platforms may be beside it. */
function hostBinding() {
  const { arch, platform } = process;
  const prefix = `waitable-event.${platform}-${arch}`;
  if (platform !== 'linux') return prefix;
  process.report.excludeNetwork = true;
  return `${prefix}-${process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`;
}

/** Adds the names and contents of files, and of all files in folders, to a hash. */
function addFiles(hash, paths) {
  for (const path of paths) {
    const absolute = join(root, path);
    if (!existsSync(absolute)) {
      hash.update(`${path} is missing\n`);
    } else if (statSync(absolute).isDirectory()) {
      addFiles(
        hash,
        readdirSync(absolute)
          .toSorted()
          .map((name) => `${path}/${name}`),
      );
    } else {
      hash.update(`${path}\n`).update(readFileSync(absolute));
    }
  }
}

/** Returns a hash of what a part is made of, and of what was made. */
function hashOf({ inputs, outputs, settings, needsRust }, rust) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const hash = createHash('sha256').update(JSON.stringify([settings(manifest), needsRust ? rust : '']));
  addFiles(hash, inputs);
  addFiles(hash, outputs());
  return hash.digest('hex');
}

/** Returns what `rustc` says of its version; undefined if there is none. */
function rustVersion() {
  const { status, stdout } = spawnSync('rustc', ['--version'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** Ends this process with advice if Rust is missing or too old. */
function needRust(version) {
  const least = /^rust-version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1];
  if (version === undefined)
    fail(`Rust ${least} or newer is needed to build the binding, and there is none. ${RUST_HINT}`);
  const [major, minor] = /(\d+)\.(\d+)/.exec(version).slice(1).map(Number);
  const [leastMajor, leastMinor] = least.split('.').map(Number);
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    fail(`${version} is too old: Rust ${least} or newer is needed to build the binding. Run rustup update.`);
  }
}

function fail(text) {
  console.error(text);
  process.exit(1);
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, 'utf8'));
  } catch {
    return {};
  }
}

const { values } = parseArgs({ options: { changed: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) {
  console.log(`usage: npm run build [-- --changed]

Builds the binding and lib/. With --changed, what was built from the same files by the same tools stays.`);
  process.exit(0);
}

const rust = rustVersion();
const stamp = readStamp();
// Without Rust, what is built already can be used.
const isCurrent = (name) => stamp[name]?.hash === hashOf(PARTS[name], rust ?? stamp[name]?.rust);

for (const [name, part] of Object.entries(PARTS)) {
  if (!values.changed || !isCurrent(name)) {
    if (part.needsRust) needRust(rust);
    if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) fail('Run npm install first.');
    // A shell finds it on Windows, too, where npm is a batch file.
    const { status } = spawnSync(`npm run ${part.script}`, { cwd: root, stdio: 'inherit', shell: true });
    if (status !== 0) process.exit(status ?? 1);
    stamp[name] = { hash: hashOf(part, rust), rust };
    mkdirSync(join(root, 'target'), { recursive: true });
    writeFileSync(stampPath, `${JSON.stringify(stamp, undefined, 2)}\n`);
  }
}
