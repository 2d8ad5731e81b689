import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeElf } from '../support/elf';
import { root, temporaryPath } from '../support/files';

/** Runs the script for the bytes of a file, and returns what it prints about it. */
function check(bytes: Buffer, ...args: string[]): { status: number | null; printed: string } {
  const file = temporaryPath('binary.node');
  writeFileSync(file, bytes);
  const script = join(root, 'scripts', 'check-glibc.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args, file], { encoding: 'utf8' });
  return { status, printed: `${stdout}${stderr}`.replaceAll(`${file}: `, '').trim() };
}

const OLD = { 'GLIBC_2.2.5': ['read', 'write'], 'GLIBC_2.17': ['clock_gettime'] };

describe('the check of the needed glibc', () => {
  test('accepts a binary whose newest symbol is as old as promised', () => {
    const { status, printed } = check(makeElf({ needs: { 'libc.so.6': OLD } }));
    expect(printed).toBe('needs glibc 2.17, at most 2.17; libraries: none');
    expect(status).toBe(0);
  });

  test('refuses a newer symbol, and names it and its version', () => {
    const { status, printed } = check(
      makeElf({ needs: { 'libm.so.6': { 'GLIBC_2.27': ['powf'] }, 'libc.so.6': { ...OLD, 'GLIBC_2.34': ['dlsym'] } } }),
    );
    expect(printed.split('\n')).toEqual([
      'powf needs GLIBC_2.27 of libm.so.6, newer than 2.17',
      'dlsym needs GLIBC_2.34 of libc.so.6, newer than 2.17',
    ]);
    expect(status).toBe(1);
  });

  test('refuses a newer version that no symbol has: the loader refuses it as well', () => {
    const { status, printed } = check(makeElf({ needs: { 'libc.so.6': { ...OLD, 'GLIBC_2.36': [] } } }));
    expect(printed).toBe('no symbol, the file itself needs GLIBC_2.36 of libc.so.6, newer than 2.17');
    expect(status).toBe(1);
  });

  test('refuses what only the libraries of one glibc may use', () => {
    const { status } = check(makeElf({ needs: { 'libc.so.6': { GLIBC_PRIVATE: ['_dl_signal_error'] } } }));
    expect(status).toBe(1);
  });

  test.each([
    ['arm', { machine: 40, is64: false }, '2.28', '2.29'],
    ['arm64', { machine: 183 }, '2.17', '2.18'],
    ['riscv64', { machine: 243 }, '2.27', '2.28'],
    ['ppc64le', { machine: 21 }, '2.19', '2.20'],
    ['s390x', { machine: 22, littleEndian: false }, '2.17', '2.18'],
  ])('knows what is promised for %s', (_name, options, promised, newer) => {
    const needing = (version: string): Buffer =>
      makeElf({ ...options, needs: { 'libc.so.6': { [`GLIBC_${version}`]: ['gettid'] } } });
    expect(check(needing(promised)).printed).toBe(`needs glibc ${promised}, at most ${promised}; libraries: none`);
    expect(check(needing(newer)).printed).toBe(`gettid needs GLIBC_${newer} of libc.so.6, newer than ${promised}`);
  });

  test('compares versions by their numbers, and takes another limit', () => {
    const binary = makeElf({ needs: { 'libc.so.6': { 'GLIBC_2.4': ['openat'], 'GLIBC_2.30': ['gettid'] } } });
    expect(check(binary, '--floor', '2.30').status).toBe(0);
    expect(check(binary, '--floor', '2.4').printed).toBe('gettid needs GLIBC_2.30 of libc.so.6, newer than 2.4');
  });

  test('accepts a binary for musl, which needs no glibc', () => {
    expect(check(makeElf({})).printed).toBe('needs no glibc; libraries: none');
  });

  test('refuses a file that is no binary', () => {
    expect(check(Buffer.from('#!/bin/sh\n'))).toEqual({ status: 1, printed: 'not an ELF file' });
    expect(check(Buffer.alloc(0)).status).toBe(1);
  });
});
