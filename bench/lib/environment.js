'use strict';
/** Describes the machine that measures, and the versions of what is measured. */

const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const os = require('node:os');

const { version } = require('../../package.json');

/** Returns the output of a program; undefined if it does not run. */
function output(program, ...args) {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** Returns the version of an npm package that is a peer; undefined if it is not installed. */
function versionOf(name) {
  try {
    return require(`${name}/package.json`).version;
  } catch {
    return undefined;
  }
}

/** Returns the cores on which this process may run. */
function allowedCores() {
  const [, list] = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * Returns the core for what runs on one core: the last, because interrupts tend to go to the first. Undefined without
 * `taskset`.
 */
function pinnedCore() {
  return output('taskset', '--version') === undefined ? undefined : allowedCores().at(-1);
}

/** Returns how many descriptors a process may open. Node raises its own limit as far as it can. */
function mostDescriptors() {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))[1]);
}

function describe() {
  return {
    date: new Date().toISOString(),
    cpu: os.cpus()[0]?.model.trim() ?? os.arch(),
    cores: allowedCores().length,
    memory: os.totalmem(),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    load: os.loadavg()[0],
    driver: process.env.WAITABLE_EVENT_DRIVER || 'uv',
    versions: {
      'waitable-event': version,
      commit: output('git', '-C', __dirname, 'rev-parse', '--short', 'HEAD'),
      node: process.versions.node,
      v8: process.versions.v8,
      uv: process.versions.uv,
      rust: output('rustc', '--version')?.split(' ')[1],
      python: output('python3', '--version')?.split(' ')[1],
      piscina: versionOf('piscina'),
      epoll: versionOf('epoll'),
    },
  };
}

/** Describes the same in one line. */
function inShort({ cpu, cores, kernel, date, versions }) {
  const our = `waitable-event ${versions['waitable-event']} (${versions.commit ?? 'no commit'})`;
  const machine = `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${kernel}`;
  return `${machine}, Node ${versions.node}, ${our}, ${date.slice(0, 10)}`;
}

module.exports = { describe, inShort, mostDescriptors, pinnedCore };
