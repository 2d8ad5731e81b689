// Reads what a child process prints, directly from its pipe. The script blocks in runSync() and needs no event loop.
//
//   node examples/child-pipe.js sh -c 'echo one; sleep 1; echo two'
'use strict';

require('./support/help')(__filename);
const { spawn } = require('node:child_process');
const { writeSync } = require('node:fs');
const { FileDispatcher, core } = require('waitable-event');

class Output extends FileDispatcher {
  bytes = 0;

  handleRead() {
    const data = this.recv(65_536);
    this.bytes += data.length;
    writeSync(1, data);
  }

  /** The child has closed its end, and the last byte was read. */
  handleClose() {
    this.close();
    core.stop();
  }

  /** The data cannot be written: the disk is full, or the reader has gone. */
  handleError(error) {
    console.error(error.message);
    process.exitCode = 1;
    this.handleClose();
  }
}

const [command = 'date', ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
if (child.pid === undefined) {
  child.on('error', (error) => console.error(error.message));
  process.exitCode = 127;
} else {
  // oxlint-disable-next-line no-underscore-dangle -- the only way to the descriptor of Node's end of the pipe
  const output = new Output(child.stdout._handle.fd);
  // Node must not read from the pipe too. The channel keeps its duplicate.
  child.stdout.destroy();
  core.runSync();
  console.log(`${output.bytes} bytes`);
}
