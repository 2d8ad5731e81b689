'use strict';
/** Measures the size of the package: its binary on the disk, and its events in memory. */

const { readdirSync, statSync } = require('node:fs');
const { join } = require('node:path');
const { MessageChannel } = require('node:worker_threads');

const { WaitableEvent } = require('../..');
const { mostDescriptors } = require('../lib/environment');
const { Skipped } = require('../lib/skipped');

const MOST = 10_000;
const FEWEST = 1000;
/** Number of events that are made before the memory is measured. */
const FEW = 100;
/** Descriptors that a process has otherwise. */
const OTHERS = 2 * FEW + 100;
const root = join(__dirname, '../..');

/** Returns as many as the limit of descriptors allows, two for each. */
function eventsWithinLimit() {
  const most = mostDescriptors();
  const number = Math.min(MOST, Math.floor((most - OTHERS) / 2));
  if (number < FEWEST) {
    throw new Skipped(`it needs ${2 * FEWEST + OTHERS} descriptors, and \`ulimit -n\` says ${most}`);
  }
  return number;
}

/** Returns the bytes of resident memory for each of `number` objects, in a process that has made a few before. */
function memoryOf(make, number) {
  const few = Array.from({ length: FEW }, make);
  globalThis.gc();
  const before = process.memoryUsage.rss();
  const many = Array.from({ length: number }, make);
  globalThis.gc();
  const grown = process.memoryUsage.rss() - before;
  // The few live until here.
  few.length = 0;
  return Math.max(0, grown) / many.length;
}

/** Returns a contender that measures once in its life, in fresh memory. */
function inMemory(name, make, ours) {
  return {
    name,
    ours,
    flags: ['--expose-gc'],
    setup() {
      const number = eventsWithinLimit();
      return () => [memoryOf(make, number)];
    },
  };
}

module.exports = {
  title: 'Size',
  text:
    `The binary on the disk, and the resident memory of each of ${MOST} events (fewer if \`ulimit -n\` says so). ` +
    "The kernel's pipes come on top.",
  show: 'bytes',
  chart: 'none',
  count: () => 1,
  warmUps: 0,
  generations: 3,
  mostRounds: () => 3,
  contenders: [
    {
      name: 'binary',
      ours: true,
      setup() {
        const file = readdirSync(root).find((name) => name.endsWith('.node'));
        return () => [statSync(join(root, file)).size];
      },
    },
    inMemory('event', () => new WaitableEvent(), true),
    inMemory('MessageChannel', () => new MessageChannel()),
    inMemory('SharedArrayBuffer', () => new Int32Array(new SharedArrayBuffer(4))),
  ],
  targets: [
    { row: '14', ours: 'binary', atMost: 1e6 },
    { row: '14', ours: 'event', atMost: 3e3 },
  ],
};
