'use strict';

// The programs of one thread, in several threads together: each has its own events, loops and descriptors, and knows
// nothing of the others.

const fs = require('node:fs');
const { inspect } = require('node:util');

const { PROGRAMS, load } = require('./programs');
const { Finding, outcomeOf, turn } = require('./finding');
const { collectGarbage } = require('./garbage');

const MODELS = ['event-model', 'select-model', 'loop-model', 'local-tasks'];
const THREADS = 3;

/** What the package reports in this thread. */
const reports = [];

/** A thread that runs one of the programs. */
async function modeller({ dice, log, program, operations, directory, switches }) {
  console.error = (...args) => void reports.push(args);
  // A thread whose loop blocks it writes to the descriptor.
  const { writeSync } = fs;
  fs.writeSync = (fd, data, ...rest) => {
    if (fd !== 2) {
      return writeSync(fd, data, ...rest);
    }
    reports.push([Buffer.from(data).toString()]);
    return data.length;
  };
  const allows = (name) => switches.includes(name);
  await load(program)({ dice, log, operations, directory, allows, reports, isAlone: false });
  await collectGarbage();
  if (reports.length > 0) {
    throw new Finding(`Reported on the console: ${inspect(reports.splice(0))}`);
  }
}

async function run({ dice, log, cast, operations, directory, switches }) {
  const threads = Array.from({ length: 2 + dice.below(THREADS - 1) }, () => {
    const program = dice.pick(MODELS);
    log.note(program);
    const data = {
      program,
      operations: Math.min(operations, PROGRAMS[program].operations),
      directory,
      switches,
    };
    const ended = cast.play(__filename, 'modeller', dice.seed(), data);
    // Looked at below.
    ended.catch(() => {});
    return { program, ended };
  });
  for (const { program, ended } of threads) {
    const { error } = await outcomeOf(ended, `${program} in a thread`, 50_000);
    if (error !== undefined) {
      throw error;
    }
  }
  await turn();
}

module.exports = { run, modeller };
