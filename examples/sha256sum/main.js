'use strict';
/**
 * Prints the SHA-256 of each file below a directory, as `sha256sum` does, with a worker thread for each core.
 *
 *   npm start --silent -- node_modules | sha256sum -c --quiet
 */

const { statSync } = require('node:fs');
const { availableParallelism, constants } = require('node:os');
const { parseArgs } = require('node:util');

const { PROGRAM, quotePath, reasonOf } = require('./format');
const { Job } = require('./job');
const { outputFailure } = require('./output');
const { Report } = require('./report');

const USAGE = `\
Usage: npm start -- [OPTION]... [DIRECTORY]
Print the SHA-256 checksums of all regular files below DIRECTORY (default: node_modules),
sorted by path, in the format of sha256sum. Symbolic links below DIRECTORY are not followed.

      --workers N    how many threads hash, 1 to 256 (default: one for each core, here ${availableParallelism()})
      --no-progress  no progress bar, not even on a terminal
  -h, --help         print this help and exit

The checksums go to standard output; the progress bar, errors and a summary go to standard error.

Exit status:
    0  every file was hashed
    1  a file or directory could not be read, or the output could not be written
    2  the arguments make no sense, or DIRECTORY is none
  130  interrupted (Ctrl-C)
  141  the reader of standard output has closed it
  143  terminated
`;

const HINT = "\nTry 'npm start -- --help'.";

/** Says what is wrong with the arguments. */
class UsageError extends Error {}

function readArguments(args) {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) {
    throw new UsageError(`more than one directory${HINT}`);
  }
  return {
    help: values.help,
    directory: positionals[0] ?? 'node_modules',
    workers: values.workers === undefined ? availableParallelism() : readCount(values.workers),
    progress: !values['no-progress'],
  };
}

function parse(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        workers: { type: 'string' },
        'no-progress': { type: 'boolean' },
      },
    });
  } catch (error) {
    // parseArgs() adds advice after the first sentence. Our usage hint replaces it.
    const [problem] = error.message.split(/\.?[ \n]?(?:To specify|Did you)/, 1);
    throw new UsageError(`${problem}${HINT}`);
  }
}

function readCount(text) {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 256) {
    throw new UsageError(`--workers must be a number from 1 to 256, not ${quotePath(Buffer.from(text))}${HINT}`);
  }
  return count;
}

/** Throws unless `path` is a directory, or a link to one. */
function checkDirectory(path) {
  let reason = 'not a directory';
  try {
    if (statSync(path).isDirectory()) {
      return;
    }
  } catch (error) {
    reason = reasonOf(error);
  }
  throw new UsageError(`${quotePath(path)}: ${reason}`);
}

function printUsage() {
  process.stdout.on('error', (error) => {
    const { exitCode, message } = outputFailure(error);
    process.exitCode = exitCode;
    if (message !== undefined) {
      complain(message);
    }
  });
  process.stdout.write(USAGE);
}

function complain(message) {
  process.stderr.write(`${PROGRAM}: ${message}\n`);
}

async function main() {
  const options = readArguments(process.argv.slice(2));
  if (options.help) {
    printUsage();
    return;
  }
  const directory = Buffer.from(options.directory);
  checkDirectory(directory);

  const job = new Job(directory, options.workers, new Report(options.progress));
  for (const signal of ['SIGINT', 'SIGTERM']) {
    // `on`, not `once`: under npm, Ctrl-C arrives twice, from the terminal and from npm.
    process.on(signal, () => job.stop(128 + constants.signals[signal], `stopped by ${signal}`));
  }
  const { exitCode, stopped } = await job.run();
  process.exitCode = exitCode;
  if (stopped) {
    // Otherwise data for a reader that does not read would keep the process alive.
    process.exit();
  }
}

main().catch((error) => {
  const expected = error instanceof UsageError;
  complain(expected ? error.message : error.stack);
  process.exitCode = expected ? 2 : 1;
});
