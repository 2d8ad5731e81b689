// What goes wrong with installs, and what a user then sees. Each case installs into a project of its own, and returns
// what is wrong with the outcome; nothing if it is as it should be.
import { readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/cache.mjs';
import { inNamespace } from '../support/namespace.mjs';
import { PRINTED, writeExamples } from './example.mjs';
import { outcomeOf, succeed } from './processes.mjs';

/** The longest message that a user reads. */
const MOST_LINES = 10;

/** Prints the code and the message of what loading the package throws. */
const LOAD = `
  try {
    require('waitable-event');
    console.log('loaded');
  } catch ({ code, message }) {
    console.log(code + '\\n' + message);
  }`;

const FOREIGN = ['--os=darwin', '--cpu=arm64'];

/** Returns what is wrong with a message that should have some parts; undefined if it is good. */
function judge(message, ...parts) {
  const [code, ...lines] = message.trimEnd().split('\n');
  if (code !== 'ERR_BINDING_UNAVAILABLE') return `expected ERR_BINDING_UNAVAILABLE, got ${message}`;
  if (lines.length > MOST_LINES) return `${lines.length} lines, at most ${MOST_LINES}: ${message}`;
  const missing = parts.find((part) => !message.includes(part));
  return missing === undefined ? undefined : `no "${missing}" in: ${message}`;
}

/**
 * Returns the cases by name. `project(name)` makes a project, `npm(…)` a command line of npm, and `binaryOf(folder)`
 * finds the binary that is installed in a project.
 */
export function failureCases({ binaryOf, env, npm, platform, project, stopRegistry }) {
  const node = process.execPath;
  const install = (folder, ...args) => succeed(npm('install', ...args), { cwd: folder, env });
  const loadIn = async (folder, ...flags) =>
    (await outcomeOf([node, ...flags, '-e', LOAD], { cwd: folder, env })).stdout;

  const runs = async (folder, wrap = (commandLine) => commandLine) => {
    writeExamples(folder);
    const { code, stdout, stderr } = await outcomeOf(wrap([node, 'main.cjs']), { cwd: folder, env });
    return code === 0 && stdout === PRINTED ? undefined : `exit code ${code}: ${stdout}${stderr}`;
  };

  return {
    'npm install --omit=optional': async () => {
      const folder = project('omit-optional');
      await install(folder, '--omit=optional');
      return judge(await loadIn(folder), `waitable-event-${platform} is not installed`, '--omit=optional');
    },
    'node_modules of another platform': async () => {
      const folder = project('foreign-modules');
      await install(folder, ...FOREIGN);
      return judge(await loadIn(folder), 'Delete node_modules and the lock file', 'Docker');
    },
    'the lock file of another platform': async () => {
      const folder = project('foreign-lock');
      await install(folder, '--package-lock-only', ...FOREIGN);
      await succeed(npm('ci'), { cwd: folder, env });
      return runs(folder);
    },
    'a binary whose end is missing': async () => {
      const folder = project('truncated');
      await install(folder);
      truncateSync(binaryOf(folder), 10_000);
      return judge(await loadIn(folder), 'cannot be loaded: the end of', 'Delete node_modules');
    },
    'a binary that is something else': async () => {
      const folder = project('damaged');
      await install(folder);
      writeFileSync(binaryOf(folder), 'version https://git-lfs.github.com/spec/v1\n');
      return judge(await loadIn(folder), 'is installed, and cannot be loaded', 'Delete node_modules');
    },
    'a platform that has no package': async () => {
      const folder = project('no-platform');
      await install(folder);
      writeFileSync(join(folder, 'aix.cjs'), "Object.defineProperty(process, 'platform', { value: 'aix' });\n");
      return judge(await loadIn(folder, '--require', './aix.cjs'), `This platform is aix-${process.arch}`, platform);
    },
    'addons that are disabled': async () => {
      const folder = project('no-addons');
      await install(folder);
      return judge(await loadIn(folder, '--no-addons'), '--no-addons');
    },
    'node_modules that is read-only': async () => {
      const folder = project('read-only');
      await install(folder);
      const setup = `mount --bind '${folder}' '${folder}'\nmount -o remount,ro,bind '${folder}'\ncd '${folder}'`;
      writeExamples(folder);
      return runs(folder, (commandLine) =>
        inNamespace(setup)(['sh', '-c', '! touch node_modules/x 2>&- && exec "$@"', 'sh', ...commandLine]),
      );
    },
    'a path with spaces and letters beyond ASCII': async () => {
      const folder = project(join('my project', 'Äpfel 日本語'));
      await install(folder);
      return runs(folder);
    },
    'no install script, in any package': async () => {
      const folder = project('scripts');
      await install(folder);
      const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8');
      return lock.includes('hasInstallScript') ? lock : undefined;
    },
    'the doctor, as it is installed': async () => {
      const folder = project('doctor');
      await install(folder);
      const { code, stdout, stderr } = await outcomeOf(npm('exec', '--', 'waitable-event', 'doctor', '--quick'), {
        cwd: folder,
        env,
      });
      return code <= 1 && stdout.includes('It works') ? undefined : `exit code ${code}: ${stdout}${stderr}`;
    },
    'waitable-event-bullmq, beside the BullMQ of a project': async () => {
      const folder = project('bullmq');
      // The registry has no other packages: those of this tree stand for what the project has of its own.
      await install(folder, 'waitable-event-bullmq', '--omit=peer', '--legacy-peer-deps');
      for (const name of ['bullmq', 'ioredis']) {
        symlinkSync(join(root, 'packages', 'bullmq', 'node_modules', name), join(folder, 'node_modules', name), 'dir');
      }
      const load = "console.log(typeof require('waitable-event-bullmq').ClusterTaskManager.join)";
      const loaded = await outcomeOf([node, '-e', load], { cwd: folder, env });
      const helped = await outcomeOf(npm('exec', '--', 'waitable-event-bullmq', '--help'), { cwd: folder, env });
      const isGood = loaded.stdout === 'function\n' && helped.code === 0 && helped.stdout.includes('migrate URL');
      return isGood ? undefined : `${loaded.stdout}${loaded.stderr}${helped.stdout}${helped.stderr}`;
    },
    // The last one: the registry is gone then.
    'offline, from the cache of npm': async () => {
      const online = project('online');
      await install(online);
      await stopRegistry();
      const folder = project('offline');
      writeFileSync(join(folder, 'package-lock.json'), readFileSync(join(online, 'package-lock.json')));
      await succeed(npm('ci', '--offline'), { cwd: folder, env });
      return runs(folder);
    },
  };
}
