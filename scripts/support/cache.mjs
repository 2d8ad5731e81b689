// A folder outside the tree that keeps what scripts download: $XDG_CACHE_HOME/waitable-event or
// ~/.cache/waitable-event. Removing it is always safe.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'waitable-event');

/** Why a script cannot go on: for the user, without a stack. */
export class Failure extends Error {}

/** Why this machine cannot run a script at all: it lacks a program, or refuses something. Nothing was tested. */
export class Unavailable extends Failure {}

/** Runs a script. Its exit code is what `main` returns, or 1 after a {@link Failure}, whose message is printed. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** Tells the user what happens next. */
export function say(text) {
  console.error(`> ${text}`);
}

/**
 * Returns the folder `name` of the cache. If it is not there, calls `make(unfinished, folder)`, which fills the folder
 * `unfinished`; it is called `folder` later. An interrupted `make` leaves no folder of that name.
 */
export function cached(name, make) {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-unfinished-`);
  try {
    make(unfinished, folder);
    publish(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

/** Gives a finished folder its name. Another process may have made it in the meantime: that one stays. */
function publish(unfinished, folder) {
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

/**
 * Runs a program that prints to stderr. Throws if it fails. `what` is the name of the program for the user, and
 * `advice` says what the user can do.
 */
export function run(command, args, { what = `${command} ${args.join(' ')}`, advice, ...options } = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (status !== 0) {
    throw failed(error, `${what}: ${error?.message ?? signal ?? `exit code ${status}`}`, advice);
  }
}

/** Runs a program, and returns what it prints to stdout. Throws if it fails. */
export function outputOf(command, args, { advice, ...options } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  if (status !== 0) {
    const reason = error?.message ?? `exit code ${status}\n${stderr}`;
    throw failed(error, `${command} ${args.join(' ')}: ${reason}`, advice);
  }
  return stdout;
}

function failed(error, text, advice) {
  const Reason = error?.code === 'ENOENT' ? Unavailable : Failure;
  return new Reason(advice === undefined ? text : `${text}\n${advice}`);
}

/** Installs npm packages that may be for another platform, and returns their node_modules folder. */
export function npmPackages(name, packages) {
  const folder = cached(name, (unfinished) => {
    say(`npm: ${packages.join(', ')}`);
    writeFileSync(join(unfinished, 'package.json'), '{ "private": true }\n');
    // npm refuses packages for another platform without --force.
    const flags = ['--force', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
    run('npm', ['install', ...flags, ...packages], { cwd: unfinished });
  });
  return join(folder, 'node_modules');
}
