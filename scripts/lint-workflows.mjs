// Has actionlint and zizmor look at the workflows. Both are installed into the cache: zizmor from PyPI, actionlint by
// Go's module proxy.
//   node scripts/lint-workflows.mjs
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, cached, root, run, say } from './support/cache.mjs';
import { pythonEnvironment } from './support/python.mjs';

const ACTIONLINT = '1.7.12';
const ZIZMOR = '1.32.0';

const folder = join(root, '.github', 'workflows');

function actionlint() {
  const bin = cached(`actionlint-${ACTIONLINT}`, (unfinished) => {
    say(`go install actionlint ${ACTIONLINT}`);
    run('go', ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${ACTIONLINT}`], {
      env: { ...process.env, GOBIN: unfinished, GOFLAGS: '-mod=mod' },
      advice: 'Install Go, 1.24 or newer, as a package of the system or from https://go.dev.',
    });
  });
  return join(bin, 'actionlint');
}

function zizmor() {
  return join(pythonEnvironment(`zizmor-${ZIZMOR}`, [`zizmor==${ZIZMOR}`]), 'bin', 'zizmor');
}

try {
  if (!existsSync(folder)) throw new Failure(`${folder} is missing`);
  run(actionlint(), ['-color'], { what: 'actionlint' });
  // Offline: what the network says of an action changes from day to day.
  run(zizmor(), ['--offline', '--no-progress', '--persona', 'pedantic', join(root, '.github')], { what: 'zizmor' });
  say('actionlint and zizmor find nothing');
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
