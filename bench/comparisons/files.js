'use strict';
/** Measures a whole program: the checksums of many small files, and of few large ones. */

const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, renameSync, truncateSync, writeFileSync } = require('node:fs');
const { availableParallelism } = require('node:os');
const { join } = require('node:path');

const { loadPeer } = require('../lib/pools');
const { Skipped } = require('../lib/skipped');

const bench = join(__dirname, '..');
const FOLDERS = 100;

/** Makes a tree once, and keeps it for later runs. Returns its path. */
function tree(name, fill) {
  const folder = join(bench, 'tmp', name);
  if (!existsSync(folder)) {
    const making = `${folder}-${process.pid}`;
    mkdirSync(making, { recursive: true });
    fill(making);
    renameSync(making, folder);
  }
  return folder;
}

/** Returns a folder of `number` files of 1 to 8 kB, as source code has. */
function smallFiles(number) {
  return tree(`small-${number}`, (folder) => {
    for (let index = 0; index < number; index += 1) {
      const part = join(folder, String(index % FOLDERS));
      mkdirSync(part, { recursive: true });
      writeFileSync(
        join(part, `${index}.txt`),
        String(index)
          .repeat(200 + (index % 1400))
          .slice(0, 8192),
      );
    }
  });
}

/** Returns a folder of a file for each core. The files have no blocks on the disk, but in memory. */
function largeFiles(megabytes) {
  return tree(`large-${availableParallelism()}-${megabytes}`, (folder) => {
    for (let index = 0; index < availableParallelism(); index += 1) {
      const file = join(folder, String(index));
      writeFileSync(file, '');
      truncateSync(file, megabytes << 20);
    }
  });
}

/** Returns the nanoseconds of a program that prints the checksums of a folder. */
function time(command, ...args) {
  const before = performance.now();
  const { status, error, stderr } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (error || status !== 0) {
    throw error ?? new Error(`${command} ended with ${status}: ${stderr}`);
  }
  return (performance.now() - before) * 1e6;
}

const ways = [
  {
    name: 'find | xargs sha256sum',
    run: (folder, workers) => time('sh', '-c', `find "$0" -type f -print0 | xargs -0 -P ${workers} sha256sum`, folder),
    check() {
      if (spawnSync('sha256sum', ['--version']).error || spawnSync('xargs', ['--version']).error) {
        throw new Skipped('sha256sum or xargs is not installed');
      }
    },
  },
  {
    name: 'Node, one message a worker',
    kind: 'limit',
    run: (folder, workers) => time(process.execPath, join(bench, 'peers/bare-sha256sum.js'), folder, `${workers}`),
  },
  {
    name: 'piscina',
    run: (folder, workers) => time(process.execPath, join(bench, 'peers/piscina-sha256sum.js'), folder, `${workers}`),
    check: () => void loadPeer('piscina'),
  },
  {
    name: 'npm start',
    ours: true,
    run: (folder) => time(process.execPath, join(bench, '../examples/sha256sum/main.js'), '--no-progress', folder),
  },
];

const trees = [
  { files: 'small files', make: (count) => smallFiles(count) },
  // A round of N small files has large ones of N / 15 MB: 15 000 files, or 1 GB.
  { files: 'large files', make: (count) => largeFiles(Math.round((count * 1024) / 15_000)) },
];

module.exports = {
  title: 'Checksums of a folder',
  text:
    '15 000 files of 1 to 8 kB, or a file of 1 GB for each core, all in memory. Each program runs from its start to ' +
    'its end, with as many processes or threads as there are cores. The limit is what workers of Node can do if they ' +
    'report nothing until their end. The quick run has a tenth.',
  chart: 'bars',
  count: ({ quick }) => (quick ? 1500 : 15_000),
  warmUps: 1,
  generations: 1,
  mostRounds: ({ quick }) => (quick ? 2 : 5),
  contenders: trees.flatMap(({ files, make }) =>
    ways.map(({ name, ours, kind, run, check }) => ({
      name: `${name}, ${files}`,
      ours,
      kind,
      setup() {
        check?.();
        return (count) => [run(make(count), availableParallelism())];
      },
    })),
  ),
  targets: [
    { files: 'small files', atLeast: 1.3 },
    { files: 'large files', atMost: 1.1 },
  ].map(({ files, atLeast, atMost }) => ({
    row: '29',
    ours: `npm start, ${files}`,
    against: `find | xargs sha256sum, ${files}`,
    limit: `Node, one message a worker, ${files}`,
    atLeast,
    atMost,
  })),
};
