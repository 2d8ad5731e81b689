'use strict';
/** The same contender on Node, Bun and Deno. A thread wakes the event loop on all of them. */

const { join } = require('node:path');

const { Skipped } = require('./skipped');

const program = join(__dirname, 'line-contender.js');

/** Returns the path of another runtime's program, as the tests of the platforms use it. */
function installed(name) {
  try {
    return require('../../scripts/support/installed-runtimes.mjs').installedRuntime(name);
  } catch (error) {
    throw new Skipped(`${name}: ${error.message.split('\n')[0]}`);
  }
}

/**
 * Returns a contender for each runtime. Each runs `onEach[name]` of the comparison in `file`, in a process that answers
 * lines.
 */
function onRuntimes(file, name) {
  const contender = [program, file, name];
  return [
    {
      name: 'Node, thread driver',
      program: () => ['env', 'WAITABLE_EVENT_DRIVER=thread', process.execPath, ...contender],
    },
    { name: 'Bun', ours: true, program: () => [installed('Bun'), ...contender] },
    { name: 'Deno', ours: true, program: () => [installed('Deno'), 'run', '--allow-all', ...contender] },
  ];
}

module.exports = { onRuntimes };
