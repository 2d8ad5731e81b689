'use strict';
/** Pools of workers that add one: piscina's, and this package's. */

const { join } = require('node:path');

const { Skipped } = require('./skipped');

const WORKER = join(__dirname, '../peers/pool-worker.js');

/** Loads a peer from npm. */
function loadPeer(name) {
  try {
    return require(name);
  } catch (error) {
    throw new Skipped(`${name}: ${error.message.split('\n')[0]}`);
  }
}

/** Returns a function that runs a task in a pool of piscina's. */
function openPiscina(size) {
  const { Piscina } = loadPeer('piscina');
  const pool = new Piscina({ filename: WORKER, minThreads: size, maxThreads: size });
  return (value) => pool.run(value);
}

/** Returns a function that runs a task in a pool of this package's. */
function openOurs(size) {
  process.env.BENCH_WORKER = 'ours';
  const { TaskPool } = require('../../lib/pool');
  const pool = new TaskPool(WORKER, { size, minSize: size });
  return (value) => pool.run('increment', value);
}

/** Returns two contenders for each size: `measure(run)` returns a function that runs rounds. */
function pools(measure) {
  return [1, 2].flatMap((size) =>
    [
      { name: 'piscina', open: openPiscina },
      { name: 'TaskPool', ours: true, open: openOurs },
    ].map(({ name, ours, open }) => ({
      name: `${name}, ${size === 1 ? '1 worker' : `${size} workers`}`,
      ours,
      async setup() {
        const run = open(size);
        await Promise.all(Array.from({ length: size }, (_, value) => run(value)));
        return measure(run);
      },
    })),
  );
}

module.exports = { WORKER, loadPeer, pools };
