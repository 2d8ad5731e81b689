import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from '@jest/globals';

/** The root of the package: scripts that run here can require it by its name. */
export const root: string = join(__dirname, '..', '..');

/** The compiled modules, which only the tests in internals/ may load. */
export const compiled: string = join(root, 'dist');

let directory: string | undefined;
const unusedFifos: string[] = [];

afterAll(() => {
  if (directory !== undefined) {
    rmSync(directory, { recursive: true });
  }
});

/** Returns the path of a fixture: `room/name.js`. */
export function fixture(name: string): string {
  return join(__dirname, '..', 'fixtures', name);
}

/** Returns a path in a directory that only this test file has. */
export function temporaryPath(name: string): string {
  directory ??= mkdtempSync(join(tmpdir(), 'waitable-event-'));
  return join(directory, name);
}

/** Returns the path of a FIFO that no process has open. */
export function makeFifo(): string {
  if (unusedFifos.length === 0) {
    const names = Array.from({ length: 32 }, (_, index) => temporaryPath(`fifo${process.hrtime.bigint()}-${index}`));
    execFileSync('mkfifo', names);
    unusedFifos.push(...names);
  }
  return unusedFifos.pop() as string;
}

/** Counts the open descriptors of this process; none on Windows, which has no list of them. */
export function countDescriptors(): number {
  if (process.platform === 'win32') return 0;
  // Without the one that reads the directory.
  return readdirSync('/proc/self/fd').length - 1;
}

/** Returns the flags of an open descriptor, as fcntl() has them. */
export function flagsOf(fd: number): { nonBlocking: boolean; closeOnExec: boolean } {
  const text = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
  const flags = Number.parseInt(text, 8);
  return { nonBlocking: (flags & constants.O_NONBLOCK) !== 0, closeOnExec: (flags & 0o2000000) !== 0 };
}
