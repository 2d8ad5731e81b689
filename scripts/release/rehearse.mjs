// Rehearses a release on this machine: packs, publishes to a registry on the loopback interface, and installs into
// empty projects as users do. Then it breaks installs, and reads what the users see.
//   npm run release:rehearse -- --help
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildTargets } from '../build-target.mjs';
import { Failure, outputOf, run, say } from '../support/cache.mjs';
import { buildForWindows } from '../support/mingw.mjs';
import { ensureBuild } from '../support/tested-build.mjs';
import { checkPackages } from './check-packages.mjs';
import { clientEnvironment, clients, writeProject } from './clients.mjs';
import { PRINTED, compile, writeExamples } from './example.mjs';
import { failureCases } from './failures.mjs';
import { REHEARSED_TARGETS, bunProgram, machines } from './machines.mjs';
import { packAll } from './pack.mjs';
import { endProcesses, outcomeOf, succeed } from './processes.mjs';
import { publishAll } from './publish.mjs';
import { startRegistry } from './registry.mjs';
import { releaseTools } from './tools.mjs';

const HELP = `Rehearses a release on this machine.

usage: npm run release:rehearse -- [--only TEXT] [--keep]

  --only TEXT  runs only the rows of the tables that have TEXT: 'npm', 'pnpm, Node', 'offline'
  --keep       leaves the folder with the projects, and names it
  --help       prints this

It builds the packages of linux-x64-gnu, linux-x64-musl and linux-arm64-gnu, and with mingw-w64 that of win32-x64-msvc;
a text stands for the binaries of the others. It publishes all of them to a registry on the loopback interface, installs
them with each package manager, on each runtime and platform, and prints a table. Then it breaks installs in the usual
ways. The tools and runtimes are kept in $XDG_CACHE_HOME/waitable-event. All else is removed at the end.`;

/** Which clients install for which runtime. */
const ROWS = [
  ['npm', 'node'],
  ['pnpm', 'node'],
  ['yarn 1', 'node'],
  ['yarn 4', 'node'],
  ['yarn 4, PnP', 'node'],
  ['bun', 'node'],
  ['bun', 'bun'],
  ['npm', 'deno'],
  ['npm', 'musl'],
  ['yarn 1', 'musl'],
  ['yarn 4', 'musl'],
  ['npm', 'arm64'],
  ['npm', 'windows'],
];

const WAYS = { CommonJS: 'main.cjs', ESM: 'main.mjs', TypeScript: 'main.mts' };

/** Returns the binaries that are installed in a project: the paths below it. */
function binariesIn(folder) {
  const files = readdirSync(folder, { recursive: true });
  return files.filter((file) => /waitable-event[^/]*\.node$/.test(file)).map((file) => join(folder, file));
}

/** Throws unless the right binary is there, and where the client can choose, no other one. Says how many there are. */
function checkBinaries(folder, client, { platform }) {
  const names = new Set(binariesIn(folder).map((file) => basename(file)));
  if (!names.has(`waitable-event.${platform}.node`))
    throw new Failure(`no binary for ${platform}: ${[...names].join()}`);
  if (client.choosesLibc && names.size > 1) throw new Failure(`more than one binary: ${[...names].join()}`);
  return names.size === 1 ? 'that one' : `${names.size}: this client ignores libc`;
}

/** Runs the example in one way. Returns 'ok', '-' where there is no such way, or why it fails. */
async function runExample(way, folder, client, machine, env) {
  let file = WAYS[way];
  if (way === 'TypeScript' && !machine.hasTypes) {
    // The compiler does not know Plug'n'Play.
    if (client.isPlugAndPlay) return '-';
    await succeed(compile(folder), { cwd: folder, env });
    file = join('out', 'main.mjs');
  }
  const command = client.run?.(machine.node, file) ?? machine.run(file);
  const { code, stdout, stderr } = await outcomeOf(machine.wrap(command), { cwd: folder, env });
  if (code === 0 && (machine.isMerged ? stderr : stdout) === PRINTED) return 'ok';
  throw new Failure(`${way}: exit code ${code}\n${stdout}${stderr}`);
}

/** Installs with one client for one runtime, and runs the example. Returns a row of the table. */
async function rehearse(label, folder, client, machine, { env }) {
  const row = { client: label, runtime: machine.label, platform: machine.platform };
  const environment = { ...env, ...machine.env };
  try {
    const before = Date.now();
    await succeed(machine.wrap(client.install(machine.node)), { cwd: folder, env: environment });
    row.install = `${((Date.now() - before) / 1000).toFixed(1)} s`;
    row.binaries = checkBinaries(folder, client, machine);
    writeExamples(folder);
    for (const way of Object.keys(WAYS)) row[way] = await runExample(way, folder, client, machine, environment);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    row.failure = error.message;
  }
  return row;
}

/** Prints rows under the names of their columns. */
function printTable(columns, rows) {
  const cells = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? '?'))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index].length)));
  for (const line of cells)
    console.log(
      line
        .map((cell, index) => cell.padEnd(widths[index]))
        .join('  ')
        .trimEnd(),
    );
}

/** Publishes all packages as they are published in a release, twice, and then only the last ones missing. */
async function publishTwice(packages, folder, env) {
  const first = packages.slice(0, 2);
  await publishAll(first, folder, env);
  say('As if it had been interrupted: once more, all of them');
  const second = await publishAll(packages, folder, env);
  const third = await publishAll(packages, folder, env);
  if (second.length !== packages.length - first.length || third.length > 0) {
    throw new Failure(`A second run published ${second.join()}, a third one ${third.join()}`);
  }
}

function readOptions() {
  try {
    const options = { only: { type: 'string', default: '' }, keep: { type: 'boolean' }, help: { type: 'boolean' } };
    const { values } = parseArgs({ options });
    if (!values.help) return values;
    console.log(HELP);
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
}

/** Builds, packs and checks the packages. Returns them with the folder of their tarballs. */
function preparePackages(folder, hasWindows) {
  ensureBuild();
  const bindings = join(folder, 'bindings');
  buildTargets(REHEARSED_TARGETS, bindings);
  if (hasWindows) buildForWindows(bindings, []);
  run('npm', ['run', '--silent', 'test:bullmq', '--', '--prepare']);
  const output = join(folder, 'packages');
  const packages = packAll({ bindings, output, placeholders: true });
  checkPackages(packages.map(({ file }) => join(output, file)));
  return { packages, output };
}

/** Makes a home for the clients, with nothing of this user's in it. Returns their environment. */
function makeEnvironment(folder, registry) {
  const [bin, home] = ['bin', 'home'].map((name) => join(folder, name));
  for (const each of [bin, home]) mkdirSync(each);
  symlinkSync(process.execPath, join(bin, 'node'));
  const env = clientEnvironment(home, registry, bin);
  if (env.PATH.split(delimiter).some((each) => readdirSync(each).includes('cargo'))) {
    say('Rust is in /usr/bin: that no client needs it is not shown here');
  }
  return env;
}

/** Installs with each client for each runtime. Returns the rows of the table. */
async function rehearseInstalls(only, known, systems, { project, ...context }) {
  const rows = [];
  for (const [clientName, machineName] of ROWS.filter(([, name]) => systems[name] !== undefined)) {
    const [client, machine] = [known[clientName], systems[machineName]];
    const label = `${clientName}, ${machine.label}, ${machine.platform}`;
    if (label.includes(only)) {
      say(label);
      rows.push(await rehearse(clientName, project(`row-${rows.length}`, client), client, machine, context));
    }
  }
  return rows;
}

/** Breaks installs. Returns the rows of the table. */
async function rehearseFailures(only, cases) {
  const outcomes = [];
  for (const [name, check] of Object.entries(cases).filter(([each]) => each.includes(only))) {
    say(name);
    let failure;
    try {
      failure = await check();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failure = error.message;
    }
    outcomes.push({ case: name, outcome: failure === undefined ? 'as it should be' : 'FAILED', failure });
  }
  return outcomes;
}

/** Prints the tables and what has failed. Returns whether nothing has. */
function summarize(rows, outcomes, seconds) {
  console.log();
  if (rows.length > 0) printTable(['client', 'runtime', 'platform', 'install', 'binaries', ...Object.keys(WAYS)], rows);
  console.log();
  if (outcomes.length > 0) printTable(['case', 'outcome'], outcomes);
  const failed = [...rows, ...outcomes].filter(({ failure }) => failure !== undefined);
  for (const row of failed) {
    console.log(`\nFAILED ${row.case ?? `${row.client}, ${row.runtime}, ${row.platform}`}\n${row.failure}`);
  }
  const count = rows.length + outcomes.length;
  console.log(`\nAfter ${seconds.toFixed(0)} s: ${count - failed.length} as they should be, ${failed.length} not`);
  return failed.length === 0 && count > 0;
}

async function main(folder, only) {
  const start = Date.now();
  const tools = releaseTools();
  const systems = machines();
  const { packages, output } = preparePackages(folder, systems.windows !== undefined);
  const registry = await startRegistry(tools.verdaccio, join(folder, 'registry'));
  const env = makeEnvironment(folder, registry);
  const publisher = { ...env, PATH: process.env.PATH, NPM_CONFIG_LOGLEVEL: 'warn' };
  // npm publishes nothing without a token. The registry asks for none.
  publisher[`NPM_CONFIG_//${registry.address}:_authToken`] = 'rehearsal';
  await publishTwice(packages, output, publisher);

  // A copy: /usr is another one in Wine.
  cpSync(join(outputOf('npm', ['root', '--global']).trim(), 'npm'), join(folder, 'npm'), { recursive: true });
  const npm = join(folder, 'npm', 'bin', 'npm-cli.js');
  const known = clients({ ...tools, npm, bun: bunProgram() });
  const { version } = packages.find(({ kind }) => kind === 'main');
  const project = (name, client = known.npm) => {
    const path = join(folder, 'projects', name);
    mkdirSync(path, { recursive: true });
    writeProject(path, version, registry, client);
    return path;
  };
  const rows = await rehearseInstalls(only, known, systems, { project, env });
  const cases = failureCases({
    env,
    project,
    platform: systems.node.platform,
    npm: (...args) => [process.execPath, npm, '--no-audit', '--no-fund', '--loglevel=error', ...args],
    binaryOf: (path) => binariesIn(path)[0],
    stopRegistry: () => registry.stop(),
  });
  return summarize(rows, await rehearseFailures(only, cases), (Date.now() - start) / 1000);
}

const { keep, only } = readOptions();
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'waitable-event-rehearsal-'));
const cleanUp = () => {
  endProcesses();
  if (keep) say(`The projects are in ${folder}`);
  else rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
};
process.once('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
try {
  if (!(await main(folder, only))) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
