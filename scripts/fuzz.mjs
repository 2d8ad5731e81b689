// Runs random programs against the built package, until the time is over or one of them finds something.
//   npm run fuzz -- [options]
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const folder = join(import.meta.dirname, '..', '__test__', 'support', 'fuzz');
const { KINDS, PROGRAMS } = require(join(folder, 'programs.js'));
const { SWITCHES } = require(join(folder, 'switches.js'));

const help = `Runs random programs against the built package, and compares what it does with what a model allows.

Usage: npm run fuzz -- [options]

  --minutes N       how long to go on (default: 2)
  --seed N          the first seed (default: one of the clock)
  --only KIND       ${KINDS.join(', ')}: can be repeated (default: all)
  --program NAME    ${Object.keys(PROGRAMS).join(', ')}: can be repeated
  --driver NAME     uv or thread: what wakes Node's event loop (default: both in turns)
  --slice N         seconds for one program in one process (default: 20)
  --limit N         seconds after which a program that makes no progress hangs (default: 60)
  --count N         programs to run in one process, instead of a slice of time
  --operations N    operations of each program, fewer than its own number to make a finding smaller
  --with NAME       an operation that is left out because of a known fault: can be repeated, or 'all'
  --keep-going      goes on after a finding
  --no-shrink       does not look for fewer operations that find the same
  --trace           prints each operation
  --help            prints this

Left out: ${Object.keys(SWITCHES).length === 0 ? 'nothing' : ''}${Object.entries(SWITCHES)
  .map(([name, text]) => `\n  ${name}: ${text}`)
  .join('')}

Exit code: 0, or 1 after a finding. Ctrl-C ends it with a summary.`;

const options = parseOptions();
const drivers = options.driver === undefined ? ['uv', 'thread'] : [options.driver];
const programs = Object.keys(PROGRAMS).filter(
  (name) =>
    (options.only.length === 0 && options.program.length === 0) ||
    options.only.includes(PROGRAMS[name].kind) ||
    options.program.includes(name),
);

const totals = Object.fromEntries(programs.map((name) => [name, { runs: 0, findings: 0 }]));
let child;
const interrupted = new AbortController();
process.on('SIGINT', () => {
  interrupted.abort();
  child?.kill('SIGKILL');
});

const start = Date.now();
const findings = await main();
summarize();
process.exitCode = findings === 0 ? 0 : 1;

function parseOptions() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string', default: String(Date.now() % 1e9) },
        only: { type: 'string', multiple: true, default: [] },
        program: { type: 'string', multiple: true, default: [] },
        driver: { type: 'string' },
        slice: { type: 'string', default: '20' },
        limit: { type: 'string', default: '60' },
        count: { type: 'string' },
        operations: { type: 'string' },
        with: { type: 'string', multiple: true, default: [] },
        'keep-going': { type: 'boolean', default: false },
        'no-shrink': { type: 'boolean', default: false },
        trace: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
    check('--only', values.only, KINDS);
    check('--program', values.program, Object.keys(PROGRAMS));
    check('--driver', values.driver === undefined ? [] : [values.driver], ['uv', 'thread']);
    check('--with', values.with, [...Object.keys(SWITCHES), 'all']);
    for (const name of ['minutes', 'seed', 'slice', 'limit', 'count', 'operations']) {
      if (values[name] !== undefined && !(Number(values[name]) >= 0)) throw new Error(`--${name} takes a number`);
    }
  } catch (error) {
    console.error(`${error.message}\n\n${help}`);
    process.exit(2);
  }
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  return values;
}

function check(name, values, known) {
  const unknown = values.find((value) => !known.includes(value));
  if (unknown !== undefined) throw new Error(`${name} ${unknown}: not one of ${known.join(', ')}`);
}

/** Gives each program a slice of time with each driver, again and again. Returns how many findings there were. */
async function main() {
  const end = start + 60_000 * Number(options.minutes);
  let count = 0;
  let seed = Number(options.seed);
  for (let round = 0; !interrupted.signal.aborted && (round === 0 || Date.now() < end); round += 1) {
    for (const driver of drivers) {
      for (const program of programs) {
        if (interrupted.signal.aborted || (round > 0 && Date.now() >= end)) return count;

        const left = Math.max(1, Math.ceil((end - Date.now()) / 1000));
        const seconds = options.count === undefined ? Math.min(Number(options.slice), left) : undefined;
        const result = await run({ program, driver, seed, seconds, count: options.count });
        totals[program].runs += result.runs;
        seed += Math.max(result.runs, 1) + 1;
        if (interrupted.signal.aborted) return count;

        const minutes = ((Date.now() - start) / 60_000).toFixed(1);
        console.error(
          `${minutes} min  ${program}, ${driver}: ${result.runs} runs${result.failed ? ', a FINDING' : ''}`,
        );
        if (result.failed) {
          count += 1;
          totals[program].findings += 1;
          await report({ program, driver, ...result });
          if (!options['keep-going']) return count;
        }
      }
    }
    // With a number of programs, one round is all.
    if (options.count !== undefined) return count;
  }
  return count;
}

/** Runs programs in a process of their own. */
function run({ program, driver, seed, seconds, count, operations = options.operations }) {
  const args = [join(folder, 'run.js'), '--program', program, '--seed', String(seed), '--limit', options.limit];
  if (count !== undefined) args.push('--count', String(count));
  if (seconds !== undefined) args.push('--seconds', String(seconds));
  if (operations !== undefined) args.push('--operations', operations);
  options.with.forEach((name) => args.push('--with', name));
  if (options.trace) args.push('--trace');

  const env = { ...process.env };
  if (driver === 'thread') env.WAITABLE_EVENT_DRIVER = 'thread';
  else delete env.WAITABLE_EVENT_DRIVER;

  return new Promise((resolve, reject) => {
    child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let last = '';
    let runs = 0;
    let lastSeed = seed;
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (last + text).split('\n');
      last = lines.pop();
      for (const line of lines) {
        const message = JSON.parse(line);
        if (message.seed !== undefined) {
          lastSeed = message.seed;
          runs += 1;
        }
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-100_000);
      if (options.trace) process.stderr.write(text);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ runs, failed: code !== 0, code, signal, errors, seed: lastSeed });
    });
  });
}

/** Prints a finding, and the command that repeats it, with as few operations as a few attempts find. */
async function report({ program, driver, seed, code, signal, errors }) {
  console.error(`\n${program}, seed ${seed}: exit code ${code}, signal ${signal}\n${errors}`);
  const operations = options['no-shrink'] ? undefined : await shrink({ program, driver, seed });
  const fewer = operations === undefined ? '' : ` --operations ${operations}`;
  const switches = options.with.map((name) => ` --with ${name}`).join('');
  console.error(
    `Again: npm run fuzz -- --program ${program} --driver ${driver} --seed ${seed} --count 1${fewer}${switches}\n`,
  );
}

/** Looks for the smallest number of operations with which the seed fails. A beginning of a program is a program. */
async function shrink({ program, driver, seed }) {
  let most = Number(options.operations ?? PROGRAMS[program].operations);
  let least = 0;
  if (!(await run({ program, driver, seed, count: 1 })).failed) {
    console.error('This seed does not fail every time.');
    return undefined;
  }
  while (!interrupted.signal.aborted && most - least > 1) {
    const middle = Math.floor((most + least) / 2);
    const { failed } = await run({ program, driver, seed, count: 1, operations: String(middle) });
    if (failed) most = middle;
    else least = middle;
  }
  return most;
}

function summarize() {
  const minutes = ((Date.now() - start) / 60_000).toFixed(1);
  console.error(`\n${minutes} minutes${interrupted.signal.aborted ? ', interrupted' : ''}, seed ${options.seed}`);
  for (const [name, { runs, findings: count }] of Object.entries(totals)) {
    console.error(`  ${name.padEnd(16)} ${String(runs).padStart(8)} runs, ${count} findings`);
  }
}
