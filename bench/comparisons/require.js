'use strict';
/** Measures how long the package takes to load. */

const { execFileSync } = require('node:child_process');
const { join } = require('node:path');

/** Loads a module in `count` fresh processes, and returns the nanoseconds of each. */
function load(count, path) {
  const program = `
    const before = performance.now();
    require(${JSON.stringify(path)});
    console.log((performance.now() - before) * 1e6);`;
  return Array.from({ length: count }, () => Number(execFileSync(process.execPath, ['-e', program])));
}

function contender(name, path, ours) {
  return {
    name: `require('${name}')`,
    ours,
    setup() {
      return (count) => load(count, path);
    },
  };
}

module.exports = {
  title: 'Loading the package',
  text: 'In a fresh process each time.',
  chart: 'bars',
  count: () => 1,
  // Each round is a fresh process anyway.
  warmUps: 1,
  generations: 1,
  contenders: [
    contender('waitable-event', join(__dirname, '../..'), true),
    contender('piscina', require.resolve('piscina')),
    contender('node:worker_threads', 'node:worker_threads'),
  ],
  targets: [
    { row: '14', ours: "require('waitable-event')", atMost: 10e6 },
    { row: '26', ours: "require('waitable-event')", against: "require('piscina')", atMost: 1 },
  ],
};
