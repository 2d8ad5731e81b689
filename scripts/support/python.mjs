// Python environments, and what PyPI has besides Python packages: zig, and Node for musl.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Unavailable, cached, run, say } from './cache.mjs';

const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check'];

/** Makes a Python environment in the cache, and returns its folder. `packages` are pip's. */
export function pythonEnvironment(name, packages, python = 'python3') {
  // Python finds its packages from where it stands, so the folder may be renamed. Only the scripts that pip wrote
  // name their interpreter by the old path: they may not be used.
  return cached(name, (folder) => {
    say(`Python environment ${name}`);
    run(python, ['-m', 'venv', folder], { advice: `Install ${python} and its venv.` });
    if (packages.length > 0) run(join(folder, 'bin', 'python3'), [...pip, 'install', ...packages]);
  });
}

/** Returns a Python that is not newer than `version`, as '3.11'. Throws if there is none. */
export function findPython(version) {
  const candidates = [`python${version}`, 'python3'];
  const found = candidates.find((command) => isAtMost(command, version));
  if (found === undefined) throw new Unavailable(`there is no Python ${version} or older (${candidates.join(', ')})`);
  return found;
}

function isAtMost(command, version) {
  const [major, minor] = version.split('.');
  const check = `import sys; sys.exit(not (3, 8) <= sys.version_info[:2] <= (${major}, ${minor}))`;
  return spawnSync(command, ['-c', check]).status === 0;
}

/** Unpacks the binary package of another platform into `folder`. */
export function unpackWheel(folder, requirement, platform) {
  say(`pip: ${requirement} for ${platform}`);
  const python = join(pythonEnvironment('python', []), 'bin', 'python3');
  run(python, [
    ...pip,
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--platform',
    platform,
    '-d',
    folder,
    requirement,
  ]);
  const wheel = join(
    folder,
    readdirSync(folder).find((file) => file.endsWith('.whl')),
  );
  run(python, ['-m', 'zipfile', '-e', wheel, folder]);
  run('rm', [wheel]);
}
