// Finds a Redis and a PostgreSQL for tests, examples and benchmarks. Nothing is installed in the system: Redis comes
// from Debian, unpacked in the cache, where the system has none.
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { debianPackages } from '../../../scripts/support/debian.mjs';

/** Returns the path of a program: in $PATH, or in one of some folders. */
function findProgram(name, folders = []) {
  const all = [...(process.env.PATH ?? '').split(delimiter), ...folders];
  return all.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Returns the command line of a server out of Debian, unpacked in the cache. */
function fromDebian(name) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('Install Redis or Valkey, or set REDIS_SERVER to its path.');
  }
  const root = debianPackages(`${name}-debian-13`, 'amd64', [`${name}-server`], { dependencies: true });
  // Its own loader and libraries: the system's may be older.
  const libraries = join(root, 'usr', 'lib', 'x86_64-linux-gnu');
  const loader = join(root, 'usr', 'lib64', 'ld-linux-x86-64.so.2');
  return [loader, '--library-path', libraries, join(root, 'usr', 'bin', `${name}-server`)];
}

/** Returns the command line that starts Redis or Valkey, as an array. Throws when there is none to be had. */
export function findRedis() {
  const found = process.env.REDIS_SERVER || findProgram('redis-server') || findProgram('valkey-server');
  return found ? [found] : fromDebian('redis');
}

/** Returns the command line that starts Valkey, as an array. Throws when there is none to be had. */
export function findValkey() {
  const found = findProgram('valkey-server');
  return found ? [found] : fromDebian('valkey');
}

/** Returns the folder that has PostgreSQL's programs. Throws when there is none. */
export function findPostgres() {
  const versions = '/usr/lib/postgresql';
  const folders = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, 'bin')) : [];
  const found = process.env.POSTGRES_BIN ? process.env.POSTGRES_BIN : findProgram('initdb', folders.toReversed());
  if (!found) throw new Error('Install PostgreSQL, or set POSTGRES_BIN to the folder of its programs.');
  return found.endsWith('initdb') ? join(found, '..') : found;
}
