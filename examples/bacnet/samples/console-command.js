'use strict';
/**
 * BACpypes' ConsoleCmd: commands from standard input.
 *
 *   node examples/bacnet/samples/console-command.js
 *
 * What differs: standard input is a channel of the loop. BACpypes has a thread for it, which only a signal can end.
 */

const { FileDispatcher, core } = require('../../..');

class ConsoleCommand extends FileDispatcher {
  #rest = '';

  handleRead() {
    this.#rest += this.recv(4096).toString();
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop();
    for (const line of lines) this.onCommand(...line.trim().split(/\s+/));
  }

  /** The end of the input ends the program. */
  handleClose() {
    this.close();
    core.stop();
  }

  onCommand(name, ...args) {
    const method = this[`do_${name}`];
    if (method === undefined) console.log(`no such command: ${name}`);
    else method.call(this, ...args);
  }

  do_echo(...words) {
    console.log(words.join(' '));
  }

  do_memory() {
    console.log(`${process.memoryUsage().rss >> 20} MB`);
  }

  do_exit() {
    this.handleClose();
  }
}

if (process.argv.includes('--help')) {
  console.log('Usage: node examples/bacnet/samples/console-command.js\nCommands: echo WORDS, memory, exit');
} else {
  const input = new ConsoleCommand(0);
  void core.run({ stopOn: ['SIGINT', 'SIGTERM'] }).then(() => input.close());
}
