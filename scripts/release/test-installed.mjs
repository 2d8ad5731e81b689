// Installs packed packages into an empty project, as a user does, and uses them: README's example as CommonJS and as an
// ECMAScript module, each part of the package once, and the doctor. It needs Node and npm, and no dependencies.
//   node scripts/release/test-installed.mjs [DIR]
import { copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Failure, outputOf, root, run, say } from '../support/cache.mjs';
import { PRINTED, writeExamples } from './example.mjs';

/** Installs all tarballs at once: npm leaves out those for other platforms, as it does with optional dependencies. */
function install(project, packages, from) {
  const tarballsOf = (wanted) =>
    Object.fromEntries(
      packages.filter(({ kind }) => kind === wanted).map(({ name, file }) => [name, `file:${join(from, file)}`]),
    );
  const manifest = {
    private: true,
    dependencies: tarballsOf('main'),
    optionalDependencies: tarballsOf('platform'),
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  const shell = process.platform === 'win32';
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--offline'], { cwd: project, shell });
}

function main(from) {
  const packages = JSON.parse(readFileSync(join(from, 'packages.json'), 'utf8'));
  const project = mkdtempSync(join(realpathSync(tmpdir()), 'waitable-event-installed-'));
  try {
    install(project, packages, from);
    writeExamples(project);
    for (const file of ['main.cjs', 'main.mjs']) {
      const printed = outputOf(process.execPath, [file], { cwd: project });
      if (printed !== PRINTED) throw new Failure(`${file} printed ${JSON.stringify(printed)}`);
    }
    copyFileSync(join(root, 'scripts', 'support', 'smoke.cjs'), join(project, 'smoke.cjs'));
    say(outputOf(process.execPath, ['smoke.cjs'], { cwd: project }).trim());
    const doctor = join(project, 'node_modules', 'waitable-event', 'lib', 'doctor.js');
    run(process.execPath, [doctor, 'doctor'], { cwd: project });
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

try {
  main(resolve(process.argv[2] ?? join(root, 'target', 'packages')));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
