'use strict';

// Runs random programs of one kind in this process:
//   node run.js --program event-model --seed 5 [--count 1 | --seconds 15] [--operations 50] [--with switch] [--trace]
// Prints the seed of each run before it begins, as a line of JSON on stdout. A finding ends the process: code 1 and the
// last operations of each thread on stderr, or SIGKILL by the watchdog when nothing moves any more.

const { mkdtempSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { inspect, parseArgs } = require('node:util');
const { Worker } = require('node:worker_threads');

const { ActorLog } = require('./actor-log');
const { Cast } = require('./cast');
const { Dice } = require('./dice');
const { Finding, turn } = require('./finding');
const { collectGarbage } = require('./garbage');
const { print } = require('./print');
const { PROGRAMS, load } = require('./programs');
const { SWITCHES } = require('./switches');

const { values: options } = parseArgs({
  options: {
    program: { type: 'string' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    operations: { type: 'string' },
    with: { type: 'string', multiple: true, default: [] },
    limit: { type: 'string', default: '60' },
    trace: { type: 'boolean', default: false },
  },
});

/** Runs whose descriptors are not compared: things that are made once are made in them. */
const WARM_UP = 5;
/** How many more descriptors than after the warm-up are no leak: threads of the pool keep some. */
const SPARE_DESCRIPTORS = 64;
/** How often garbage is collected before a descriptor counts as left. Bun needs up to 17 collections. */
const GARBAGE_ROUNDS = 200;

const log = new ActorLog('main');
log.isTraced = options.trace;
const progress = new Int32Array(new SharedArrayBuffer(4));
const watchdog = new Worker(join(__dirname, 'watchdog.js'), {
  workerData: { memory: log.memory, progress, limit: 1000 * Number(options.limit) },
});
watchdog.unref();
const cast = new Cast(options.trace, ({ name, memory }) => watchdog.postMessage({ name, memory }));
const directory = mkdtempSync(join(tmpdir(), 'waitable-event-fuzz-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

function fail(error) {
  const text = error instanceof Finding ? `Finding: ${error.message}` : `Finding: ${error?.stack ?? inspect(error)}`;
  print(2, `${text}\n${[log, ...cast.logs].join('\n')}\n`);
  watchdog.postMessage({ isEnding: true });
  process.exit(1);
}

/** What the package has reported on the console. A program takes what it expects. */
const reports = [];
console.error = (...args) => {
  // The package reports what a program throws in a task. It ends the program here: what comes later is a consequence.
  const finding = args.find((part) => part instanceof Finding);
  if (finding !== undefined) {
    fail(finding);
  }
  reports.push(args);
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.on('warning', (warning) => fail(warning));

function countDescriptors() {
  // Windows has no list of them.
  return process.platform === 'win32' ? 0 : readdirSync('/proc/self/fd').length;
}

/** Counts the open descriptors, less those of garbage when they are more than `limit`. A dropped loop keeps its own. */
async function countWithoutGarbage(limit) {
  for (let rounds = 0; rounds < GARBAGE_ROUNDS && countDescriptors() > limit; rounds += 1) {
    await collectGarbage();
  }
  return countDescriptors();
}

async function main() {
  const { program } = options;
  const run = load(program);
  const operations = Number(options.operations ?? PROGRAMS[program].operations);
  const switches = options.with.includes('all') ? Object.keys(SWITCHES) : options.with;
  const allows = (name) => switches.includes(name);
  const first = Number(options.seed);
  const count = options.count === undefined ? Infinity : Number(options.count);
  const end = Date.now() + (count === Infinity ? 1000 * Number(options.seconds) : Infinity);
  let runs = 0;
  let most = 0;
  for (; runs < count && Date.now() < end; runs += 1) {
    const seed = first + runs;
    Atomics.add(progress, 0, 1);
    print(1, `${JSON.stringify({ seed })}\n`);
    log.note(`seed ${seed}`);
    await run({ dice: new Dice(seed), log, operations, allows, cast, directory, reports, isAlone: true, switches });
    if (reports.length > 0) {
      throw new Finding(`Reported on the console: ${inspect(reports)}`);
    }
    await turn();
    if (runs < WARM_UP) {
      most = Math.max(most, countDescriptors());
    } else {
      const now = await countWithoutGarbage(most + SPARE_DESCRIPTORS);
      if (now > most + SPARE_DESCRIPTORS) {
        throw new Finding(`${now} descriptors are open, after ${most} at the beginning`);
      }
    }
  }
  print(1, `${JSON.stringify({ runs, operations: runs * operations })}\n`);
  process.exit(0);
}

main().catch(fail);
