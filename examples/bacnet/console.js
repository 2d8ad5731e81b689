'use strict';
/** The console on standard input: a command a line, as in BACpypes' ConsoleCmd, but in the loop and not in a thread. */

const { FileDispatcher } = require('../..');

class Console extends FileDispatcher {
  #text = '';

  /** `stop` ends the program. */
  constructor(fd, device, stop) {
    super(fd);
    this.device = device;
    this.stop = stop;
  }

  handleRead() {
    this.#text += this.recv(4096).toString();
    const lines = this.#text.split('\n');
    this.#text = lines.pop().slice(-4096);
    for (const line of lines) this.onLine(line.trim());
  }

  /** The end of the input is not the end of the device. */
  handleClose() {
    this.close();
  }

  onLine(line) {
    const [command, name, value] = line.split(/\s+/);
    const { objects, subscriptions, log } = this.device;
    const object = objects.all.find((each) => each.name === name);
    if (command === 'list') {
      for (const each of objects.all) log.line(`${each.name} ${each.value ?? ''}`.trimEnd());
    } else if (command === 'subscriptions') {
      log.line(`${subscriptions.size} subscriptions`);
      for (const subscription of subscriptions) log.line(subscription);
    } else if (command === 'set' && object?.value !== undefined && Number.isFinite(Number(value))) {
      object.set(Number(value));
      log.line(`${name} is ${object.value}`);
    } else if (command === 'quit') {
      this.stop();
    } else if (command !== '') {
      log.line('commands: list, set NAME VALUE, subscriptions, quit');
    }
  }
}

module.exports = { Console };
