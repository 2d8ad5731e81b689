'use strict';

const { execFileSync } = require('node:child_process');
const { constants, existsSync, mkdtempSync, openSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const { mostDescriptors } = require('./environment');
const { Skipped } = require('./skipped');

/** Descriptors that a process has otherwise. */
const OTHERS = 100;

/**
 * A folder in memory. For a FIFO on a disk, its times are written to the disk's journal, which costs more than the
 * rest.
 */
const MEMORY = '/dev/shm';

/** Opens `number` FIFOs, each one once, for reading and writing. */
function openFifos(number) {
  const most = mostDescriptors();
  if (number + OTHERS > most) {
    throw new Skipped(`it needs ${number} descriptors, and \`ulimit -n\` says ${most}`);
  }
  const directory = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'bench-'));
  try {
    const paths = Array.from({ length: number }, (_, index) => join(directory, String(index)));
    for (let start = 0; start < number; start += 1000) {
      execFileSync('mkfifo', paths.slice(start, start + 1000));
    }
    return paths.map((path) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

module.exports = { openFifos };
