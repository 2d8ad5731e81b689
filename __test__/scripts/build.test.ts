import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { beforeEach, describe, expect, test } from '@jest/globals';

import { root, temporaryPath } from '../support/files';

/** A tree with the script, and programs that stand for npm and rustc. */
const tree = temporaryPath('tree');
const bin = join(tree, 'bin');

function write(name: string, content: string): void {
  const path = join(tree, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function writeProgram(name: string, lines: string): void {
  write(`bin/${name}`, `#!/bin/sh\n${lines}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** Runs the script, and returns the scripts of package.json that it has run, and what it has printed. */
function build(...args: string[]): { ran: string[]; printed: string; status: number | null } {
  const log = join(tree, 'log');
  rmSync(log, { force: true });
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(tree, 'scripts', 'build.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}:/nowhere` },
  });
  const ran = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  return { ran, printed: `${stdout}${stderr}`, status };
}

const BINDING = 'run build:native';
const FACADE = 'run build:ts';

beforeEach(() => {
  rmSync(tree, { recursive: true, force: true });
  cpSync(join(root, 'scripts', 'build.mjs'), join(tree, 'scripts', 'build.mjs'));
  cpSync(join(root, 'Cargo.toml'), join(tree, 'Cargo.toml'));
  cpSync(join(root, 'package.json'), join(tree, 'package.json'));
  write('node_modules/.package-lock.json', '{}');
  write('crates/waitable-event/src/lib.rs', '// one');
  write('src/index.ts', '// one');
  writeProgram('rustc', "echo 'rustc 1.95.0 (of a test)'");
  writeProgram('npm', `echo "$@" >> '${join(tree, 'log')}'`);
});

describe('the build', () => {
  test('builds all of it without --changed, each time', () => {
    expect(build().ran).toEqual([BINDING, FACADE]);
    expect(build().ran).toEqual([BINDING, FACADE]);
  });

  test('builds with --changed what it was not built from yet', () => {
    expect(build('--changed').ran).toEqual([BINDING, FACADE]);
    expect(build('--changed').ran).toEqual([]);
    write('src/index.ts', '// two');
    expect(build('--changed').ran).toEqual([FACADE]);
    write('src/more.ts', '// a new file');
    expect(build('--changed').ran).toEqual([FACADE]);
    write('crates/waitable-event/src/lib.rs', '// two');
    expect(build('--changed').ran).toEqual([BINDING]);
    writeProgram('rustc', "echo 'rustc 1.96.0 (of a test)'");
    expect(build('--changed').ran).toEqual([BINDING]);
    expect(build('--changed').ran).toEqual([]);
  });

  test('builds again what was changed or removed since', () => {
    write('lib/index.js', '// built');
    build();
    write('lib/index.js', '// changed');
    expect(build('--changed').ran).toEqual([FACADE]);
    rmSync(join(tree, 'lib'), { recursive: true });
    expect(build('--changed').ran).toEqual([FACADE]);
  });

  test('does not take a build that has failed for one', () => {
    writeProgram('npm', 'exit 3');
    expect(build().status).toBe(3);
    writeProgram('npm', `echo "$@" >> '${join(tree, 'log')}'`);
    expect(build('--changed').ran).toEqual([BINDING, FACADE]);
  });

  test('says first that there is no Rust', () => {
    rmSync(join(bin, 'rustc'));
    const { ran, printed, status } = build('--changed');
    expect([ran, status]).toEqual([[], 1]);
    expect(printed).toMatch(/^Rust 1\.\d+ or newer is needed .*rustup\.rs.*\n$/);
  });

  test('needs no Rust for what is built', () => {
    build();
    rmSync(join(bin, 'rustc'));
    expect(build('--changed')).toEqual({ ran: [], printed: '', status: 0 });
  });

  test('says that Rust is too old', () => {
    writeProgram('rustc', "echo 'rustc 1.79.0 (of a test)'");
    expect(build().printed).toMatch(/^rustc 1\.79\.0 .* is too old: Rust 1\.\d+ or newer/);
  });

  test('says that npm install comes first', () => {
    rmSync(join(tree, 'node_modules'), { recursive: true });
    expect(build().printed).toBe('Run npm install first.\n');
  });
});
