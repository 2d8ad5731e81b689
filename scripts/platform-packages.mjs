// Writes npm/: a folder for each package with a binary, all but the binary itself. `npm run check:api` compares them
// with what is committed. (`napi create-npm-dirs` writes no licence, and no C library for 32-bit ARM.)
//   node scripts/platform-packages.mjs
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'npm');

/** What npm, Node and a reader call the parts of a target. */
const CPUS = { x86_64: 'x64', aarch64: 'arm64', armv7: 'arm' };
const SYSTEMS = {
  'unknown-linux-gnu': { os: 'linux', abi: '-gnu', libc: 'glibc', name: 'Linux with glibc' },
  'unknown-linux-gnueabihf': { os: 'linux', abi: '-gnueabihf', libc: 'glibc', name: 'Linux with glibc' },
  'unknown-linux-musl': { os: 'linux', abi: '-musl', libc: 'musl', name: 'Linux with musl, such as Alpine' },
  'apple-darwin': { os: 'darwin', abi: '', name: 'macOS' },
  'pc-windows-msvc': { os: 'win32', abi: '-msvc', name: 'Windows' },
};

/** The fields that all packages have in common. */
const SHARED = ['version', 'license', 'author', 'homepage', 'bugs', 'repository', 'engines', 'publishConfig'];

/** Returns the manifest of the package itself. */
export function readManifest() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
}

/** Returns the packages with binaries, in the order of `napi.targets`: target, platform, name, file and manifest. */
export function platformPackages(manifest = readManifest()) {
  return manifest.napi.targets.map((target) => {
    const [processor, ...rest] = target.split('-');
    const [cpu, system] = [CPUS[processor], SYSTEMS[rest.join('-')]];
    if (cpu === undefined || system === undefined) {
      throw new Error(`scripts/platform-packages.mjs does not know the target ${target}`);
    }
    const platform = `${system.os}-${cpu}${system.abi}`;
    const name = `${manifest.name}-${platform}`;
    const file = `${manifest.napi.binaryName}.${platform}.node`;
    return {
      target,
      platform,
      name,
      file,
      title: `${system.name}, ${cpu}`,
      manifest: {
        name,
        description: `The binary of ${manifest.name} for ${system.name}, ${cpu}`,
        ...Object.fromEntries(SHARED.map((field) => [field, manifest[field]])),
        type: 'commonjs',
        main: `./${file}`,
        files: [`/${file}`],
        os: [system.os],
        cpu: [cpu],
        ...(system.libc === undefined ? {} : { libc: [system.libc] }),
      },
    };
  });
}

function readme({ name, title }, manifest) {
  return `# ${name}

The binary of [${manifest.name}](${manifest.homepage}) for ${title}.

Install \`${manifest.name}\` instead: a package manager chooses this package where it fits.
`;
}

function main() {
  const manifest = readManifest();
  const packages = platformPackages(manifest);
  const platforms = new Set(packages.map(({ platform }) => platform));
  for (const stale of readdirSync(folder).filter((name) => !platforms.has(name))) {
    rmSync(join(folder, stale), { recursive: true });
  }
  for (const each of packages) {
    const directory = join(folder, each.platform);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'package.json'), `${JSON.stringify(each.manifest, undefined, 2)}\n`);
    writeFileSync(join(directory, 'README.md'), readme(each, manifest));
    copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
