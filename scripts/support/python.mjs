// What PyPI has besides Python packages: zig, and Node for musl.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached, run, say } from './cache.mjs';

const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check'];

/** Makes a Python environment in the cache, and returns its folder. `packages` are pip's. */
export function pythonEnvironment(name, packages) {
  // Python finds its packages from where it stands, so the folder may be renamed. Only the scripts that pip wrote
  // name their interpreter by the old path: they may not be used.
  return cached(name, (folder) => {
    say(`Python environment ${name}`);
    run('python3', ['-m', 'venv', folder], { advice: 'Install python3 and python3-venv.' });
    if (packages.length > 0) run(join(folder, 'bin', 'python3'), [...pip, 'install', ...packages]);
  });
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
