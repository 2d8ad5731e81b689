// Runs the jest suite twice: with the default driver of the run loop, and with the thread driver.
//   node scripts/jest.mjs [jest arguments]
// If TEST_RESULTS_DIR is set, jest's JSON report of each run is written there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');
const drivers = ['default', 'thread'];

// jest's own timeout cannot end a test that blocks its thread.
const minutes = 15;

/** Runs the suite with the given Node binary, and returns the drivers whose run failed. */
export function runJest({ node = process.execPath, label = process.version, args = [] } = {}) {
  return drivers.filter((driver) => {
    console.error(`\njest on Node ${label}, driver: ${driver}`);
    // Child processes that the tests start by name get the same Node.
    const env = { ...process.env, PATH: dirname(node) + delimiter + process.env.PATH };
    if (driver === 'default') delete env.WAITABLE_EVENT_DRIVER;
    else env.WAITABLE_EVENT_DRIVER = driver;

    const results = process.env.TEST_RESULTS_DIR;
    const report = results ? ['--json', `--outputFile=${join(results, `${label}-${driver}.json`)}`] : [];
    const run = spawnSync(node, [join(root, 'node_modules/jest/bin/jest.js'), ...report, ...args], {
      cwd: root,
      env,
      // jest writes its JSON to stdout, too. Its readable report is on stderr.
      stdio: ['ignore', results ? 'ignore' : 'inherit', 'inherit'],
      timeout: minutes * 60_000,
      killSignal: 'SIGKILL',
    });
    if (run.error) console.error(`jest on Node ${label}, driver ${driver}: ${run.error.message}`);
    return run.status !== 0;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const failed = runJest({ args: process.argv.slice(2) });
  process.exitCode = failed.length === 0 ? 0 : 1;
}
