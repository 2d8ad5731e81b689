'use strict';
/** Parses the command line. */

const { parseArgs } = require('node:util');

const HELP = `Measures what a wake-up costs: each way of doing it beside the others, on this machine and in one run.

  npm run bench -- [options] [comparison …]
  npm run bench -- --compare FILE FILE …

Without names it makes all comparisons.

  --quick           fewer and shorter rounds: about five minutes in all
  --rounds NUMBER   how many rounds each contender runs
  --list            print the names of the comparisons, and make none
  --from FILE       draw the report of an earlier run, bench/results/….json, and measure nothing
  --compare         say whether earlier runs agree on which targets are met, and measure nothing
  --pictures        renew the pictures and the table in docs/ from this run
  --help            print this help

It writes results to bench/results/, and draws them in bench/report.html. The exit code is 1 if a contender
failed or runs contradict each other, and 2 for a wrong command line. A target that is missed is a result like
any other.`;

/** Extents of a run. Times are in milliseconds. */
const EXTENTS = {
  // Three sets of processes: the place of a process in memory is part of the noise.
  full: { quick: false, generations: 3, rounds: 15, warmUps: 4, roundTime: 100, idleTime: 10_000 },
  quick: { quick: true, generations: 1, rounds: 7, warmUps: 4, roundTime: 25, idleTime: 2000 },
};

class UsageError extends Error {}

/** Returns the options of the user. Throws a UsageError. */
function parse(argv, known) {
  let values, positionals;
  try {
    ({ values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        list: { type: 'boolean', default: false },
        from: { type: 'string' },
        compare: { type: 'boolean', default: false },
        pictures: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
  if (values.compare) {
    if (positionals.length < 2) {
      throw new UsageError('--compare needs two files of bench/results/ or more');
    }
    return { ...values, files: positionals };
  }
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(`There is no comparison '${unknown.join("', '")}'. There are: ${known.join(', ')}`);
  }
  if (values.pictures && positionals.length > 0) {
    throw new UsageError('--pictures needs all comparisons: the table in docs/ has all of them');
  }
  const extent = { ...(values.quick ? EXTENTS.quick : EXTENTS.full) };
  if (values.rounds !== undefined) {
    extent.rounds = Number(values.rounds);
    if (!Number.isInteger(extent.rounds) || extent.rounds < 1) {
      throw new UsageError(`--rounds needs a whole number above zero, not '${values.rounds}'`);
    }
    extent.generations = Math.min(extent.generations, extent.rounds);
  }
  return { ...values, extent, names: positionals.length > 0 ? positionals : known };
}

module.exports = { HELP, UsageError, parse };
