'use strict';
/** Prints the SHA-256 of each file below a directory, with piscina: `piscina-sha256sum.js DIRECTORY WORKERS`. */

const { createHash } = require('node:crypto');
const { closeSync, openSync, readSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread } = require('node:worker_threads');

/** Files under way for each worker, so that none waits for the main thread. */
const UNDER_WAY = 16;

const buffer = isMainThread ? undefined : Buffer.allocUnsafeSlow(256 * 1024);

/** Returns the hash of a file, in a worker. */
module.exports = function hashFile(path) {
  const hash = createHash('sha256');
  const file = openSync(path);
  try {
    for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer)) {
      hash.update(buffer.subarray(0, size));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
};

async function main(directory, workers) {
  const { Piscina } = require('piscina');
  const pool = new Piscina({ filename: __filename, minThreads: workers, maxThreads: workers });
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).toSorted();
  const lines = [];
  let next = 0;
  const hashNext = async () => {
    while (next < paths.length) {
      const index = next;
      next += 1;
      lines[index] = `${await pool.run(paths[index])}  ${paths[index]}\n`;
    }
  };
  await Promise.all(Array.from({ length: workers * UNDER_WAY }, hashNext));
  process.stdout.write(lines.join(''));
  await pool.destroy();
}

if (isMainThread && require.main === module) {
  void main(process.argv[2], Number(process.argv[3]));
}
