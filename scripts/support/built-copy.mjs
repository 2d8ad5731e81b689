// A copy of the package with a binding of its own: the tests run there, and the build of the tree stays as it is.
// (NAPI_RS_NATIVE_LIBRARY_PATH would do that without a copy, but jest's compiler obeys it, too.)
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { splitArguments } from './arguments.mjs';
import { PATIENT, testTwice } from './second-run.mjs';

const root = join(import.meta.dirname, '..', '..');

/** What the build makes of TypeScript. */
const BUILT = ['dist', 'lib', 'binding.d.ts'];

/** Runs a command, and ends this process when it fails. */
export function run(command, args, { cwd = root, env = {} } = {}) {
  console.error(
    `\n$ ${[...Object.entries(env).map(([name, value]) => `${name}='${value}'`), command, ...args].join(' ')}`,
  );
  const { status, error } = spawnSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Builds the TypeScript of the tree if that was not done. */
function ensureBuild() {
  if (!BUILT.every((name) => existsSync(join(root, name)))) run('npm', ['run', 'build']);
}

/** Returns the folder of the copy, `target/NAME/tree`, with the binding that is built with `env`. */
export function builtCopy(name, env) {
  ensureBuild();
  const target = join(root, 'target', name);
  const binding = join(target, 'binding');
  const manifest = join('crates', 'waitable-event-node', 'Cargo.toml');
  const build = ['build', '--manifest-path', manifest, '--output-dir', binding, '--platform', '--no-const-enum'];
  mkdirSync(binding, { recursive: true });
  run('npx', ['napi', ...build, '--release', '--', '--locked'], { env: { ...env, CARGO_TARGET_DIR: target } });

  const tree = join(target, 'tree');
  rmSync(tree, { recursive: true, force: true });
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  const files = listed.split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
  for (const file of [...files, ...BUILT]) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(root, file), join(tree, file), { recursive: true });
  }
  for (const file of readdirSync(binding).filter((each) => each.endsWith('.node'))) {
    cpSync(join(binding, file), join(tree, file));
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'dir');
  return tree;
}

/**
 * Returns the arguments for jest that leave out tests, given by the regular expressions that end their full names. A
 * full name has spaces between its parts, where jest prints "›".
 */
export function withoutTests(endings) {
  return endings.length === 0 ? [] : [`--testNamePattern=^(?!.*(?:${endings.join('|')})$)`];
}

/**
 * Runs the jest suite in a copy, or the tree itself, with the drivers that `--driver=NAME` among `args` names, or else
 * `drivers`. Returns whether all passed. With `--subset` it runs `subset`, by driver the paths of test files as regular
 * expressions. The rest of `args` are jest's.
 */
export async function testCopy(tree, { label, args, drivers, subset, cannot, variables }) {
  const { values, patterns, rest } = splitArguments(args);
  const isSubset = values.has('subset');
  let isGood = true;
  for (const driver of values.has('driver') ? [values.get('driver')] : drivers) {
    const chosen = patterns.length === 0 && isSubset ? subset[driver] : patterns;
    const jest = ['--maxWorkers=2', ...withoutTests(Object.keys(cannot)), ...rest];
    const settings = { label, driver, folder: tree, args: jest, patterns: chosen };
    isGood = (await testTwice({ ...settings, variables: { ...PATIENT, ...variables } })) && isGood;
  }
  return isGood;
}
