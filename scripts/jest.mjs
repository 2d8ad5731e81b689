// Runs the jest suite twice: with the default driver of the run loop, and with the thread driver.
//   node scripts/jest.mjs [--driver=default|thread] [jest arguments]
// With --driver it runs once.
// If TEST_RESULTS_DIR is set, jest's JSON report of each run is written there.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');
const DRIVERS = ['default', 'thread'];

// jest's own timeout cannot end a test that blocks its thread. jest prints a line for each test file: on a busy machine
// the slowest one takes a few minutes. A suite that goes on printing may take as long as it wants.
const STALL_MINUTES = 15;

/**
 * Runs the suite with the given Node binary, and returns the drivers whose run failed. `variables` are added to the
 * environment. `wrap` returns the command line, as an array, that runs another one in the place where the tests are to
 * run. `folder` has the package and its tests, and `results` is where reports are written.
 */
export async function runJest({
  node = process.execPath,
  label = process.version,
  runtime = 'Node ',
  args = [],
  drivers = DRIVERS,
  variables = {},
  wrap = (commandLine) => commandLine,
  folder = root,
  results = process.env.TEST_RESULTS_DIR,
} = {}) {
  const failed = [];
  for (const driver of drivers) {
    console.error(`\njest on ${runtime}${label}, driver: ${driver}`);
    // Child processes that the tests start by name get the same Node.
    const env = { ...process.env, ...variables, PATH: dirname(node) + delimiter + process.env.PATH };
    if (driver === 'default') delete env.WAITABLE_EVENT_DRIVER;
    else env.WAITABLE_EVENT_DRIVER = driver;
    if (process.stderr.isTTY) env.FORCE_COLOR ??= '1';

    const report = results ? ['--json', `--outputFile=${join(results, `${label}-${driver}.json`)}`] : [];
    const [command, ...rest] = wrap([node, join(root, 'node_modules/jest/bin/jest.js'), ...report, ...args]);
    const { code, error } = await runWhileItPrints(command, rest, {
      cwd: folder,
      env,
      // jest writes its JSON to stdout, too. Its readable report is on stderr.
      stdio: ['ignore', results ? 'ignore' : 'pipe', 'pipe'],
    });
    if (error) console.error(`jest on ${runtime}${label}, driver ${driver}: ${error}`);
    if (code !== 0) failed.push(driver);
  }
  return failed;
}

/**
 * Runs a program and passes on what it prints, or gives it to `onOutput`. When it prints nothing for `stall`
 * milliseconds, kills it and all processes that it has started. Resolves with its exit code, and the error if it did
 * not end by itself.
 */
export function runWhileItPrints(command, args, options, stall = STALL_MINUTES * 60_000, onOutput) {
  return new Promise((resolve) => {
    // A group of its own: jest's workers are ended as well, which may be blocked.
    const child = spawn(command, args, { ...options, detached: true });
    let error;
    const kill = () => {
      try {
        process.kill(-Number(child.pid), 'SIGKILL');
      } catch {
        // All of them have ended.
      }
    };
    const giveUp = (reason) => {
      error ??= reason;
      kill();
    };
    const timer = setTimeout(() => giveUp(`killed: it printed nothing for ${stall / 1000} s`), stall);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    let caught;
    const onSignal = (signal) => {
      caught = signal;
      giveUp(`killed by ${signal}`);
    };
    signals.forEach((signal) => process.once(signal, onSignal));
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from?.on('data', (chunk) => {
        timer.refresh();
        if (onOutput === undefined) to.write(chunk);
        else onOutput(chunk);
      });
    }
    const end = (code, reason) => {
      clearTimeout(timer);
      signals.forEach((signal) => process.off(signal, onSignal));
      // Nothing else is to be run after that.
      if (caught !== undefined) process.kill(process.pid, caught);
      resolve({ code, error: error ?? reason });
    };
    child.on('error', (reason) => end(1, reason.message));
    // A process that a test has left behind would hold the output open.
    child.on('exit', kill);
    child.on('close', (code, signal) => end(code ?? 1, signal === null ? undefined : `killed by ${signal}`));
  });
}

/** Takes `--driver=NAME` out of the arguments; without it, both drivers are meant. */
function chosenDrivers(argv) {
  const option = /^--driver=(.*)$/;
  const [, driver] = argv.map((arg) => option.exec(arg)).find((match) => match !== null) ?? [];
  if (driver !== undefined && !DRIVERS.includes(driver)) {
    console.error(`Unknown driver ${driver}; known: ${DRIVERS.join(', ')}`);
    process.exit(2);
  }
  return { drivers: driver === undefined ? DRIVERS : [driver], args: argv.filter((arg) => !option.test(arg)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { drivers, args } = chosenDrivers(process.argv.slice(2));
  const failed = await runJest({ drivers, args });
  process.exitCode = failed.length === 0 ? 0 : 1;
}
