import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { makeElf } from '../support/elf';
import { root, temporaryPath } from '../support/files';
import { isMusl, isTruncated, platformName } from '../support/internals';

function pathOf(bytes: Buffer): string {
  const path = temporaryPath('program');
  writeFileSync(path, bytes);
  return path;
}

describe('isMusl', () => {
  test.each([
    ['64 bits', {}],
    ['32 bits', { is64: false, machine: 40 }],
    ['64 bits, the highest byte first', { littleEndian: false, machine: 22 }],
  ])('tells it by the loader that a program names: %s', (_what, options) => {
    const program = (loader: string): string => pathOf(makeElf({ ...options, loader }));
    expect(isMusl(program('/lib/ld-musl-x86_64.so.1'))).toBe(true);
    expect(isMusl(program('/lib64/ld-linux-x86-64.so.2'))).toBe(false);
  });

  test('finds the name wherever a tool has moved it', () => {
    expect(isMusl(pathOf(makeElf({ loader: '/opt/musl/lib/ld-musl-x86_64.so.1', gap: 100_000 })))).toBe(true);
  });

  test('goes by that name alone', () => {
    const names = { 'ld-musl-x86_64.so.1': { 'GLIBC_2.17': ['read'] } };
    expect(isMusl(pathOf(makeElf({ loader: '/lib64/ld-linux-x86-64.so.2', needs: names })))).toBe(false);
    expect(isMusl(pathOf(makeElf({ needs: names })))).toBe(false);
  });

  test('is false for what is no program', () => {
    expect(isMusl(pathOf(Buffer.from('#!/bin/sh\n# ld-musl-\n')))).toBe(false);
    expect(isMusl(pathOf(Buffer.alloc(0)))).toBe(false);
    expect(isMusl(pathOf(makeElf({ loader: '/lib/ld-musl-x86_64.so.1' }).subarray(0, 70)))).toBe(false);
    expect(isMusl(temporaryPath('nothing'))).toBe(false);
  });
});

describe('isTruncated', () => {
  const needs = { 'libc.so.6': { 'GLIBC_2.17': ['read'] } };

  test.each([
    ['64 bits', {}],
    ['32 bits', { is64: false, machine: 40 }],
    ['64 bits, the highest byte first', { littleEndian: false, machine: 22 }],
  ])('tells that the end of a file is missing: %s', (_what, options) => {
    const whole = makeElf({ ...options, needs });
    expect(isTruncated(pathOf(whole))).toBe(false);
    expect(isTruncated(pathOf(whole.subarray(0, whole.length / 2)))).toBe(true);
    expect(isTruncated(pathOf(whole.subarray(0, 64)))).toBe(true);
  });

  test('is false for the binding, and true for half of it', () => {
    const path = join(root, `waitable-event.${platformName()}.node`);
    const binding = readFileSync(path);
    const isElf = binding.readUInt32BE(0) === 0x7f454c46;
    expect(isTruncated(path)).toBe(false);
    expect(isTruncated(pathOf(binding.subarray(0, binding.length / 2)))).toBe(isElf);
    expect(isTruncated(pathOf(binding.subarray(0, -1)))).toBe(isElf);
  });

  test('is false for what is no ELF file', () => {
    expect(isTruncated(pathOf(Buffer.alloc(0)))).toBe(false);
    expect(isTruncated(pathOf(Buffer.alloc(200, 0xff)))).toBe(false);
    expect(isTruncated(pathOf(Buffer.from('module.exports = 1;\n'.repeat(20))))).toBe(false);
    expect(isTruncated(temporaryPath('nothing'))).toBe(false);
  });
});
