import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, test } from '@jest/globals';

import { root, temporaryPath } from '../support/files';

const folder = temporaryPath('publish');
const [bin, packages, registry] = ['bin', 'packages', 'registry'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];

/** Stands for npm: `view` shows a file of the registry's folder, and `publish` copies the tarball's checksum there. */
const NPM = `#!/bin/sh
if [ "$1" = view ]; then
  cat '${registry}'/"$2" 2>&- || { echo 'npm error code E404' >&2; exit 1; }
else
  for file; do :; done
  name=$(basename "$file" .tgz)
  if [ -e '${registry}'/refuse-"$name" ]; then echo 'npm error code E500' >&2; exit 1; fi
  echo "$name" >> '${registry}/log'
  cp "$file" '${registry}'/"$name"
fi
`;

const NAMES = ['event-linux@1.0.0', 'event-macos@1.0.0', 'event@1.0.0'];

/** Runs the script. Returns what it has published, and whether it succeeded. */
function publish(): { published: string[]; status: number | null; stderr: string } {
  const log = join(registry, 'log');
  rmSync(log, { force: true });
  const script = join(root, 'scripts', 'release', 'publish.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, packages], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
  });
  return { published: existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [], status, stderr };
}

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const each of [bin, packages, registry]) mkdirSync(each, { recursive: true });
  writeFileSync(join(bin, 'npm'), NPM);
  chmodSync(join(bin, 'npm'), 0o755);
  const list = NAMES.map((id) => {
    const [name, version] = id.split('@');
    const integrity = `sha512-${name}`;
    writeFileSync(join(packages, `${id}.tgz`), JSON.stringify(integrity));
    return { name, version, integrity, file: `${id}.tgz` };
  });
  writeFileSync(join(packages, 'packages.json'), JSON.stringify(list));
});

describe('publishing', () => {
  test('publishes the package itself last, and nothing twice', () => {
    expect(publish()).toMatchObject({ published: NAMES, status: 0 });
    expect(publish()).toMatchObject({ published: [], status: 0 });
  });

  test('leaves out the package itself when another one fails, and goes on the next time', () => {
    writeFileSync(join(registry, 'refuse-event-macos@1.0.0'), '');
    expect(publish()).toMatchObject({ published: NAMES.slice(0, 1), status: 1 });
    rmSync(join(registry, 'refuse-event-macos@1.0.0'));
    expect(publish()).toMatchObject({ published: NAMES.slice(1), status: 0 });
  });

  test('refuses a version that is published with other contents', () => {
    writeFileSync(join(registry, 'event-macos@1.0.0'), '"sha512-other"');
    const { published, status, stderr } = publish();
    expect([published, status]).toEqual([NAMES.slice(0, 1), 1]);
    expect(stderr).toContain('event-macos@1.0.0 is published, with other contents');
  });
});
