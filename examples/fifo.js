// Reads lines from a FIFO that a shell, or any other process, writes into. The line `quit` ends it.
//
//   mkfifo /tmp/commands
//   node examples/fifo.js /tmp/commands &
//   echo hello > /tmp/commands
//   echo quit > /tmp/commands
'use strict';

require('./support/help')(__filename);
const { closeSync, constants, fstatSync, openSync } = require('node:fs');
const { FileDispatcher, core } = require('waitable-event');

class Commands extends FileDispatcher {
  #line = '';

  handleRead() {
    const lines = (this.#line + this.recv(4096)).split('\n');
    this.#line = lines.pop();
    for (const line of lines) {
      console.log(`got ${JSON.stringify(line)}`);
      if (line === 'quit') {
        this.close();
        core.stop();
      }
    }
  }
}

function read(path) {
  // Open for writing too. Otherwise the FIFO is at its end each time the last shell closes it.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  if (!fstatSync(fd).isFIFO()) {
    throw new Error(`not a FIFO: ${path}`);
  }
  const commands = new Commands(fd);
  // The channel has its own duplicate.
  closeSync(fd);
  console.log(`reading ${path} as descriptor ${commands.fileno()}`);
  void core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node examples/fifo.js FIFO');
  process.exitCode = 2;
} else {
  try {
    read(path);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
