/** The package itself, which the doctor loads late, and may fail to load. */

import { createRequire } from 'node:module';
import { join } from 'node:path';

import type * as facade from '../../index';

export type Facade = typeof facade;

/** The folder of this package. `scripts/bundle.mjs` puts the way from `lib/` in its place. */
const ROOT = '../../..';

const load = createRequire(__filename);

/** Returns the package. Throws what its `require()` throws. */
export function loadFacade(): Facade {
  return load(join(__dirname, ROOT, 'lib', 'index.js')) as Facade;
}

/** Returns the version of the package. */
export function ownVersion(): string {
  return (load(join(__dirname, ROOT, 'package.json')) as { readonly version: string }).version;
}

/** Returns the path of the binary that was loaded; undefined where the runtime does not tell. */
export function binaryPath(): string | undefined {
  return Object.keys(load.cache).find((path) => path.endsWith('.node'));
}
