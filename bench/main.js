'use strict';
/**
 * Runs `npm run bench`. lib/options.js has the command line, comparisons/ has what is measured, and docs/performance.md
 * says what it means.
 */

const { SingleBar } = require('cli-progress');
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const { NAMES, load } = require('./comparisons');
const { describe, inShort, pinnedCore } = require('./lib/environment');
const { HELP, UsageError, parse } = require('./lib/options');
const { buildPrograms, buildQueues, installPackages, installPython } = require('./lib/prepare');
const { killAll } = require('./lib/processes');
const { compare, stepsOf } = require('./lib/runner');

const results = join(__dirname, 'results');

/** Measures, and resolves with the content of a file in results/. */
async function measure({ names, extent }) {
  // This needs the packages that have just been installed.
  const { evaluate } = require('./lib/evaluate');
  const run = { environment: describe(), extent, comparisons: [] };
  const core = pinnedCore();
  const pins = [...(core === undefined ? [] : ['one core']), 'all cores'];
  if (core === undefined) {
    console.error('taskset is not installed: nothing is pinned to one core.');
  }

  const comparisons = names.map(load);
  const progress = new SingleBar({
    format: '{bar} {percentage}% | {comparison}, {pin} | {duration_formatted}',
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    hideCursor: true,
  });
  const steps = comparisons.reduce((sum, comparison) => sum + pins.length * stepsOf(comparison, extent), 0);
  progress.start(steps, 0, { comparison: names[0], pin: pins[0] });
  let step = 0;
  try {
    for (const comparison of comparisons) {
      for (const pin of pins) {
        step += stepsOf(comparison, extent);
        progress.update({ comparison: comparison.name, pin });
        const participants = await compare(comparison, pin === 'one core' ? core : undefined, extent, () =>
          progress.increment(),
        );
        run.comparisons.push(evaluate(comparison, pin, participants));
        // Contenders that failed made no steps.
        progress.update(step);
      }
    }
  } finally {
    progress.stop();
  }
  return run;
}

async function measureAndSave(options) {
  buildPrograms();
  installPython();
  if (options.names.some((name) => name.startsWith('queue-'))) {
    buildQueues();
  }
  const run = await measure(options);
  mkdirSync(results, { recursive: true });
  const file = join(results, `${run.environment.date.replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify(run)}\n`);
  console.log(`Results: ${file}`);
  return run;
}

/** Reads an earlier run. */
function read(file) {
  let run;
  try {
    run = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error.message}`, { cause: error });
  }
  if (!Array.isArray(run?.comparisons)) {
    throw new UsageError(`${file} is no run of the benchmarks`);
  }
  return run;
}

/** Prints and draws a run. */
async function show(run, { pictures }) {
  const { table } = require('./lib/table');
  const { writePictures, writeReport } = require('./lib/report');
  console.log(`\n${table(run)}\n`);
  console.log(inShort(run.environment));
  console.log(`Report: ${writeReport(run)}`);
  if (pictures) {
    console.log(`Pictures: ${(await writePictures(run)).join(', ')}`);
  }
}

/** Prints on which targets runs agree. */
function compareRuns(runs) {
  const { agreement, agreementText } = require('./lib/agreement');
  runs.forEach(({ environment }, index) => console.log(`Run ${index + 1}: ${inShort(environment)}`));
  const found = agreement(runs);
  console.log(`\n${agreementText(runs.length, found)}`);
  process.exitCode = found.differing.some(({ isContradiction }) => isContradiction) ? 1 : 0;
}

async function main() {
  const options = parse(process.argv.slice(2), NAMES);
  if (options.help) {
    console.log(HELP);
    return;
  }
  if (options.list) {
    console.log(NAMES.join('\n'));
    return;
  }
  if (options.compare) {
    compareRuns(options.files.map(read));
    return;
  }
  installPackages();
  const run = options.from === undefined ? await measureAndSave(options) : read(options.from);
  await show(run, options);
  const failed = run.comparisons.some(({ contenders }) =>
    contenders.some((contender) => contender.failed !== undefined),
  );
  process.exitCode = failed ? 1 : 0;
}

process.once('exit', killAll);
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
]) {
  process.once(signal, () => process.exit(128 + number));
}

main().catch((error) => {
  if (error instanceof UsageError) {
    console.error(`${error.message}\nnpm run bench -- --help tells more.`);
    process.exit(2);
  }
  console.error(error);
  process.exit(1);
});
