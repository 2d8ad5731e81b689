// Reads the terminal in which it was started, and types back what is typed. `quit`, Ctrl-D or a minute without input
// ends it.
//
//   node examples/pty.js
//   script -qc 'node examples/pty.js' /dev/null     # in its own pseudo-terminal
'use strict';

require('./support/help')(__filename);
const { closeSync, openSync } = require('node:fs');
const { FileDispatcher, FunctionTask, core } = require('waitable-event');

const MINUTE = 60_000;

class Terminal extends FileDispatcher {
  constructor(fd) {
    super(fd);
    this.idle = new FunctionTask(() => this.end('no input'));
    this.idle.installTask({ delta: MINUTE });
  }

  handleRead() {
    this.idle.installTask({ delta: MINUTE });
    // A terminal gives one line at a time. At its end, Ctrl-D, the loop calls handleClose().
    const line = this.recv(4096).toString().trim();
    if (line === 'quit') {
      this.end('good bye');
    } else if (line !== '') {
      this.send(`you typed ${line}\n`);
    }
  }

  handleClose() {
    this.end('the end');
  }

  end(why) {
    console.log(why);
    this.idle.suspendTask();
    this.close();
    core.stop();
  }
}

/** Opens the terminal anew. Descriptor 0 is shared with the shell, which would find it non-blocking. */
function openTerminal() {
  try {
    return openSync('/dev/tty', 'r+');
  } catch (error) {
    console.error(`there is no terminal: ${error.message}`);
    return process.exit(1);
  }
}

const fd = openTerminal();
const terminal = new Terminal(fd);
closeSync(fd);
terminal.send('type something\n');
void core.run();
