'use strict';
/**
 * Prints the SHA-256 of each file below a directory, as fast as workers of Node can: `bare-sha256sum.js DIRECTORY
 * WORKERS`. Each worker gets its share once, and answers once. There is no progress, no error of a file, and no order.
 */

const { readdirSync } = require('node:fs');
const { join } = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const hashFile = require('./piscina-sha256sum');

function main(directory, workers) {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  for (let index = 0; index < workers; index += 1) {
    const share = paths.filter((_, place) => place % workers === index);
    new Worker(__filename, { workerData: share }).on('message', (text) => process.stdout.write(text));
  }
}

if (isMainThread) {
  main(process.argv[2], Number(process.argv[3]));
} else {
  parentPort.postMessage(workerData.map((path) => `${hashFile(path)}  ${path}\n`).join(''));
}
