// Tests packages/bullmq on a Redis and a PostgreSQL that the tests start.
import { existsSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, root, run, runMain, say } from './support/cache.mjs';
import { installLocked, lintFolder, testFolder } from './support/locked-packages.mjs';
import { pythonEnvironment } from './support/python.mjs';
import { findPostgres, findRedis, findValkey } from '../packages/bullmq/support/find-servers.mjs';

const HELP = `Usage: npm run test:bullmq -- [options] [jest arguments after another --]

Installs the dependencies of packages/bullmq in its folder, builds it, and runs its tests. The tests start Redis and
PostgreSQL themselves, on the loopback interface. Without one of them, its tests are skipped with the reason.

  --stores redis,postgres   on which stores the tests of failures run (default: redis; the others run on both)
  --valkey                  on Valkey in place of Redis
  --kills                   the long form: ten kills of the server, an hour of recurring tasks under kills, and so on
  --minutes N               how long the recurring tasks of the long form run (default: 60)
  --node PATH               the Node binary that runs the tests (default: this one)
  --require-servers         fail instead of skipping without a server
  --prepare                 install and build only
  --help                    this text

REDIS_SERVER names another Redis or Valkey, POSTGRES_BIN another folder of PostgreSQL's programs.
If TEST_RESULTS_DIR is set, jest's JSON report is written there.`;

const folder = join(root, 'packages', 'bullmq');

/** A client in another language. */
const PYTHON_BULLMQ = '3.4.4';

/** How long a file of the long form may take beside that, in minutes. */
const KILL_MINUTES = 30;

/** Parses the command line. */
function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        stores: { type: 'string', default: 'redis' },
        valkey: { type: 'boolean', default: false },
        kills: { type: 'boolean', default: false },
        minutes: { type: 'string', default: '60' },
        node: { type: 'string', default: process.execPath },
        'require-servers': { type: 'boolean', default: false },
        prepare: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Failure(`${error.message}\n\n${HELP}`);
  }
}

/** Lets the package find the one beside which it is developed. */
function linkRoot() {
  const link = join(folder, 'node_modules', 'waitable-event');
  rmSync(link, { recursive: true, force: true });
  symlinkSync(join('..', '..', '..'), link);
}

/** Returns a Python that has BullMQ, in the cache. */
function findPython() {
  return join(pythonEnvironment(`python-bullmq-${PYTHON_BULLMQ}`, [`bullmq==${PYTHON_BULLMQ}`]), 'bin', 'python3');
}

/** Returns a server as the tests take it: its command, or the reason why there is none. */
function find(name, look, isRequired) {
  try {
    return { command: look() };
  } catch (error) {
    if (isRequired) throw error;
    say(`${name} is skipped: ${error.message}`);
    return { reason: error.message };
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
  linkRoot();
  run('npm', ['run', '--silent', 'build'], { cwd: folder });
  if (values.prepare) return 0;
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', join(folder, '__test__')]);
  if (positionals.length === 0) lintFolder(folder);
  const isRequired = values['require-servers'];
  const servers = {
    redis: values.valkey ? find('Valkey', findValkey, isRequired) : find('Redis', findRedis, isRequired),
    postgres: find('PostgreSQL', findPostgres, isRequired),
    python: find('Python with BullMQ', findPython, isRequired),
    failuresOn: values.stores.split(','),
    kills: values.kills,
    minutes: Number(values.minutes),
  };
  const { node } = values;
  return testFolder(folder, {
    name: values.valkey ? 'valkey' : 'bullmq',
    node,
    args: positionals,
    env: { ...process.env, PATH: dirname(node) + delimiter + process.env.PATH, TEST_SERVERS: JSON.stringify(servers) },
    // jest prints at the end of each file. One file of the long form takes as long as its recurring tasks run.
    stall: values.kills ? (servers.minutes + KILL_MINUTES) * 60_000 : undefined,
  });
}

await runMain(main);
