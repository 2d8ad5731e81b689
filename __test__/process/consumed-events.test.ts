import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

import { expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { fixture, temporaryPath } from '../support/files';
import { report } from '../support/outcomes';

const NAMESPACE = ['-U', '-r', '-m'];
const hasNamespaces = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;
if (!hasNamespaces) {
  report('not tested: this system lets no process have mounts of its own');
}

// A change of the mounts is reported to the first thread that polls, once.
test.each([
  ['loop', 'changed'],
  ['runSync', 'changed'],
  ['select', 'changed'],
  ['run', 'ENOTSUP'],
  ['running', 'ENOTSUP'],
  ['selectAsync', 'ENOTSUP'],
])('%s() reports a change of the mounts, or refuses the file: %s', async (way, outcome) => {
  const directory = temporaryPath(`mount-${way}`);
  mkdirSync(directory);
  const args = [...NAMESPACE, process.execPath, fixture('process/watch-mounts.js'), way, directory];
  const stdout = hasNamespaces ? endedWith(await new Child('unshare', args).ended, 0).stdout : `${outcome}\n`;
  expect(stdout).toBe(`${outcome}\n`);
});
