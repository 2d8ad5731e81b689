'use strict';
/** Measures the memory that loading the package takes. */

const { execFileSync } = require('node:child_process');
const { join } = require('node:path');

/** Returns the resident bytes of a fresh process that has run `statement`. */
function memoryAfter(statement) {
  const program = `${statement}; gc(); console.log(process.memoryUsage.rss());`;
  return Number(execFileSync(process.execPath, ['--expose-gc', '-e', program]));
}

/** Loads the addon of crates/bench-uv, which uses nothing. */
const emptyAddon = () => `process.dlopen({ exports: {} }, ${JSON.stringify(process.env.BENCH_UV)})`;

function contender(name, path, ours) {
  return {
    name: `require('${name}')`,
    ours,
    setup: () => (count) =>
      Array.from({ length: count }, () => memoryAfter(`require(${JSON.stringify(path)})`) - memoryAfter(emptyAddon())),
  };
}

module.exports = {
  title: 'Memory of a process that has loaded the package',
  text: 'Resident memory of a fresh process, beyond that of another one that has loaded an empty addon.',
  show: 'bytes',
  chart: 'bars',
  count: () => 1,
  warmUps: 0,
  generations: 1,
  mostRounds: ({ quick }) => (quick ? 3 : Infinity),
  contenders: [
    contender('waitable-event', join(__dirname, '../..'), true),
    contender('piscina', require.resolve('piscina')),
  ],
  targets: [{ row: '26', ours: "require('waitable-event')", atMost: 2e6 }],
};
