'use strict';
/** Finds files. Paths are always Buffers: a file name is any bytes but `/` and NUL, not necessarily UTF-8. */

const { lstatSync, readdirSync } = require('node:fs');

const SLASH = Buffer.from('/');

/**
 * Yields `{ path }` for each regular file below the directory `top`, sorted by the bytes of the whole path, and
 * `{ path, error }` for each directory that cannot be read. Symbolic links are not followed.
 *
 * Paths begin with `top` as it was given, as find(1) prints them.
 */
function* walk(top) {
  // The paths still to visit, the next one last. A directory's path ends in a slash. That tells it from a file, and
  // siblings then sort like everything below them ("a-b" before "a/c").
  const pending = [isDirectory(top) ? top : Buffer.concat([top, SLASH])];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (!isDirectory(path)) {
      yield { path };
      continue;
    }
    try {
      for (const child of childrenOf(path).toSorted((a, b) => Buffer.compare(b, a))) {
        pending.push(child);
      }
    } catch (error) {
      yield { path: path.length > 1 ? path.subarray(0, -1) : path, error };
    }
  }
}

function isDirectory(path) {
  return path.at(-1) === SLASH[0];
}

function childrenOf(directory) {
  return readdirSync(directory, { encoding: 'buffer', withFileTypes: true }).flatMap((entry) => {
    const path = Buffer.concat([directory, entry.name ?? entry]);
    // Bun gives names without types.
    const type = entry.name === undefined ? lstatSync(path, { throwIfNoEntry: false }) : entry;
    return type?.isFile() ? [path] : type?.isDirectory() ? [Buffer.concat([path, SLASH])] : [];
  });
}

module.exports = { walk };
