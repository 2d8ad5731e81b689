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

function contender(name, statement, more) {
  return {
    name,
    ...more,
    setup: () => (count) => Array.from({ length: count }, () => memoryAfter(statement()) - memoryAfter(emptyAddon())),
  };
}

const requiring = (path) => () => `require(${JSON.stringify(path)})`;

/** Loads a file beside the empty addon. */
const withAddon = (path) => () => `${emptyAddon()}; require(${JSON.stringify(path)})`;

/** Loads the binding without its JavaScript: the file that the package has loaded here. */
function bindingAlone() {
  const { WaitableEvent } = require('../..');
  new WaitableEvent().close();
  const file = Object.keys(require.cache).find((name) => name.endsWith('.node'));
  return `process.dlopen({ exports: {} }, ${JSON.stringify(file)})`;
}

module.exports = {
  title: 'Memory of a process that has loaded the package',
  text:
    'Resident memory of a fresh process, beyond that of another one that has loaded an empty addon. Two limits: the ' +
    'binding without its JavaScript, and any file, for which Node loads its code for CommonJS modules.',
  show: 'bytes',
  chart: 'bars',
  count: () => 1,
  warmUps: 0,
  generations: 1,
  mostRounds: ({ quick }) => (quick ? 3 : Infinity),
  contenders: [
    contender("require('waitable-event')", requiring(join(__dirname, '../..')), { ours: true }),
    contender("require('piscina')", requiring(require.resolve('piscina'))),
    contender('the binding alone', bindingAlone, { kind: 'limit' }),
    contender('the first require() of any file', withAddon(join(__dirname, '../peers/empty.js')), { kind: 'limit' }),
  ],
  targets: [{ row: '26', ours: "require('waitable-event')", atMost: 2e6, limit: 'the binding alone' }],
};
