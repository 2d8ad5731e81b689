/** A library in C that is loaded before all others, and so stands between a program and the system. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll } from '@jest/globals';

import { report } from './outcomes';

/** Compiles a library before the tests of a file. Returns how to get its path: undefined without a C compiler. */
export function preloadedLibrary(source: string): () => string | undefined {
  let directory: string;
  let path: string | undefined;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
    writeFileSync(join(directory, 'library.c'), source);
    const library = join(directory, 'library.so');
    const built = spawnSync('cc', ['-shared', '-fPIC', '-o', library, join(directory, 'library.c'), '-ldl']);
    if (built.status === 0) {
      path = library;
    } else {
      report(`skipped, no C compiler here: ${built.error?.message ?? String(built.stderr)}`);
    }
  });

  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  return () => path;
}
