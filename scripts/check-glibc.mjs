// Refuses binaries that need a newer glibc than the package promises, and names the symbols that do.
//   node scripts/check-glibc.mjs [--floor VERSION] file …
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readElf } from './support/elf.mjs';

/**
 * The newest glibc that a binary may need, by architecture. 2.17 is of 2012; 2.28, of 2018, is what Node for 32-bit ARM
 * needs itself. zig knows no glibc for riscv64 before 2.27, and none for ppc64le before 2.19.
 */
export const GLIBC_FLOORS = { x64: '2.17', arm64: '2.17', arm: '2.28', riscv64: '2.27', ppc64: '2.19', s390x: '2.17' };

function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Checks the bytes of a binary. Returns the newest version of glibc that it needs, undefined if it needs none, and a
 * line for each symbol that is newer than `floor`.
 */
export function checkGlibc(bytes, floor) {
  const { arch, libraries, symbols } = readElf(bytes);
  const limit = floor ?? GLIBC_FLOORS[arch];
  if (limit === undefined) {
    throw new Error('no floor is known for this processor');
  }
  let newest;
  const faults = [];
  for (const { symbol = 'no symbol, the file itself', version, library } of symbols) {
    // GLIBC_PRIVATE is for the libraries of glibc themselves: it changes with each release.
    const number = /^GLIBC_(\d[\d.]*)$/.exec(version)?.[1];
    if (number !== undefined && (newest === undefined || compareVersions(number, newest) > 0)) newest = number;
    if (version === 'GLIBC_PRIVATE' || (number !== undefined && compareVersions(number, limit) > 0)) {
      faults.push(`${symbol} needs ${version} of ${library}, newer than ${limit}`);
    }
  }
  return { limit, newest, libraries, faults };
}

/** Checks a file, and prints the result. Returns whether the file keeps the promise. */
export function checkFile(file, floor) {
  let result;
  try {
    result = checkGlibc(readFileSync(file), floor);
  } catch (error) {
    console.error(`${file}: ${error.message}`);
    return false;
  }
  const { limit, newest, libraries, faults } = result;
  if (faults.length > 0) {
    console.error(faults.map((fault) => `${file}: ${fault}`).join('\n'));
    return false;
  }
  const need = newest === undefined ? 'needs no glibc' : `needs glibc ${newest}, at most ${limit}`;
  console.log(`${file}: ${need}; libraries: ${libraries.join(', ') || 'none'}`);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({ options: { floor: { type: 'string' } }, allowPositionals: true });
  if (positionals.length === 0 || (values.floor !== undefined && !/^\d+(\.\d+)+$/.test(values.floor))) {
    console.error('usage: node scripts/check-glibc.mjs [--floor VERSION] file …');
    process.exit(2);
  }
  const results = positionals.map((file) => checkFile(file, values.floor));
  process.exitCode = results.every(Boolean) ? 0 : 1;
}
