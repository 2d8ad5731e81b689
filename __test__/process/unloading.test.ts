import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { root } from '../support/files';
import { report } from '../support/outcomes';

const DT_FLAGS_1 = 0x6ffffffbn;
const NODELETE = 8n;

/**
 * Removes the flag by which the linker keeps a library loaded. Not every system's linker has it, and without it the
 * library must keep itself. Returns whether the flag was there.
 */
function removeNoDelete(file: string): boolean {
  const elf = readFileSync(file);
  const is64BitLittleEndian = elf.readUInt32BE(0) === 0x7f454c46 && elf[4] === 2 && elf[5] === 1;
  if (!is64BitLittleEndian) {
    return false;
  }
  // The program headers, of which one (PT_DYNAMIC) says where the flags are.
  const [start, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)];
  for (let header = start; header < start + size * count; header += size) {
    if (elf.readUInt32LE(header) !== 2) {
      continue;
    }
    const offset = Number(elf.readBigUInt64LE(header + 8));
    const length = Number(elf.readBigUInt64LE(header + 32));
    for (let entry = offset; entry < offset + length; entry += 16) {
      const value = elf.readBigUInt64LE(entry + 8);
      if (elf.readBigUInt64LE(entry) === DT_FLAGS_1 && (value & NODELETE) !== 0n) {
        elf.writeBigUInt64LE(value & ~NODELETE, entry + 8);
        writeFileSync(file, elf);
        return true;
      }
    }
  }
  return false;
}

let directory: string;
let isUnloadable: boolean;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
  const addons = readdirSync(root).filter((name) => name.endsWith('.node'));
  const cleared = ['first', 'second'].flatMap((copy) => {
    mkdirSync(join(directory, copy));
    for (const name of ['package.json', 'lib', ...addons]) {
      cpSync(join(root, name), join(directory, copy, name), { recursive: true });
    }
    return addons.map((name) => removeNoDelete(join(directory, copy, name)));
  });
  // On Windows nothing but the binding itself keeps it loaded.
  isUnloadable = cleared.includes(true) || process.platform === 'win32';
  if (!isUnloadable) {
    report('skipped, the binding here has no flag that keeps it loaded');
  }
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Loads the first copy in a worker alone. Then says whether it is still mapped. */
const SOURCE = `
  const { readFileSync } = require('node:fs');
  const { join, sep } = require('node:path');
  const { Worker } = require('node:worker_threads');
  const [directory, body] = process.argv.slice(-2);
  const run = (copy, body) => new Promise((resolve) => {
    const path = JSON.stringify(join(directory, copy));
    const source = \`const { RunLoop, WaitableEvent } = require(\${path}); \${body}\`;
    new Worker(source, { eval: true }).once('exit', resolve);
  });
  (async () => {
    const code = await run('first', body);
    // The C library unloads what is not used any more when a library is closed, and not when a thread ends.
    await run('second', '');
    const maps = process.platform === 'win32'
      ? process.report.getReport().sharedObjects.join('\\n')
      : readFileSync('/proc/self/maps', 'latin1');
    console.log(code, maps.toLowerCase().includes(join(directory, 'first').toLowerCase() + sep));
    // What threads would do in a library that is gone.
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log('alive');
  })();
`;

describe('a binding that only a worker has loaded stays after the worker', () => {
  test.each([
    ['has loaded it', ''],
    ['has made an event', 'new WaitableEvent().set();'],
    ['has awaited an event', 'new WaitableEvent().waitAsync(1);'],
    ['has watched a signal', "new RunLoop({ signals: ['SIGINT'] }).loop({ count: 1, timeout: 1 });"],
  ])('that %s', async (_, body) => {
    if (!isUnloadable) {
      return;
    }
    for (const driver of ['uv', 'thread']) {
      const env = { WAITABLE_EVENT_DRIVER: driver };
      const { stdout } = await runScript({ source: SOURCE }, [directory, body], { env });
      expect(stdout).toBe('0 true\nalive\n');
    }
  });
});
