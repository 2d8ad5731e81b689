// Tests examples/bacnet with clients made with BACpypes and bacpypes3.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, root, run, runMain, say } from './support/cache.mjs';
import { installLocked, lintFolder, testFolder } from './support/locked-packages.mjs';
import { findPython, pythonEnvironment } from './support/python.mjs';

const HELP = `Usage: npm run test:bacnet -- [options] [jest arguments after another --]

Installs the codec of examples/bacnet in its folder, and BACpypes in a Python environment outside the tree, and runs
the example's tests. They use addresses of the loopback interface from 127.0.0.3 to 127.0.0.13, and port 47808. Without
a Python that BACpypes runs on (3.11 or older), the tests with it are skipped with the reason.

  --figures          compare the device with the same one in BACpypes, and print the table of the example's README
  --node PATH        the Node binary that runs the tests (default: this one)
  --require-python   fail instead of skipping without Python
  --prepare          install only
  --help             this text

If TEST_RESULTS_DIR is set, jest's JSON report is written there.`;

const folder = join(root, 'examples', 'bacnet');

/** BACpypes 0.19 needs asyncore, which Python 3.12 does not have. */
const PYTHON = '3.11';
const PACKAGES = ['bacpypes==0.19.0', 'bacpypes3==0.0.110'];

/** How long nothing may be printed, in milliseconds. The whole of the tests takes less. */
const STALL = 110_000;

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        figures: { type: 'boolean', default: false },
        node: { type: 'string', default: process.execPath },
        'require-python': { type: 'boolean', default: false },
        prepare: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Failure(`${error.message}\n\n${HELP}`);
  }
}

/** Returns the environment variables that name the Python of the peers, or the reason why there is none. */
function findPeers(isRequired) {
  if (process.platform === 'win32') return { BACNET_REASON: 'the Python environment is made for POSIX systems' };
  try {
    const environment = pythonEnvironment(`bacnet-${PACKAGES.join('-')}`, PACKAGES, findPython(PYTHON));
    return { BACNET_PYTHON: join(environment, 'bin', 'python3') };
  } catch (error) {
    if (isRequired || !(error instanceof Failure)) throw error;
    say(`BACpypes is skipped: ${error.message}`);
    return { BACNET_REASON: error.message };
  }
}

async function main() {
  const { values, positionals } = parse();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (!existsSync(join(root, 'lib', 'index.js'))) run('npm', ['run', 'build']);
  installLocked(folder);
  const env = { ...process.env, ...findPeers(values['require-python'] || values.figures) };
  if (values.prepare) return 0;
  const { node } = values;
  if (values.figures) {
    run(node, [join(folder, 'compare.js')], { env, stdio: 'inherit' });
    return 0;
  }
  if (positionals.length === 0) lintFolder(folder);
  return testFolder(folder, { name: 'bacnet', node, args: positionals, env, stall: STALL });
}

await runMain(main);
