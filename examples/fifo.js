'use strict';
/**
 * Reads lines from a FIFO that a shell, or anybody, writes into; `quit` ends it.
 *
 *   mkfifo /tmp/commands
 *   node examples/fifo.js /tmp/commands &
 *   echo hello > /tmp/commands
 *   echo quit > /tmp/commands
 */

const { closeSync, constants, openSync } = require('node:fs');

const { FileDispatcher, core } = require('waitable-event');

class Commands extends FileDispatcher {
  #line = '';

  writable() {
    return false;
  }

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

// For writing too: otherwise the FIFO is at its end whenever the last shell has closed it.
const fd = openSync(process.argv[2], constants.O_RDWR | constants.O_NONBLOCK);
const commands = new Commands(fd);
// The channel has a duplicate of its own.
closeSync(fd);
console.log(`reading ${process.argv[2]} as descriptor ${commands.fileno()}`);
void core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
