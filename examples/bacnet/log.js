'use strict';
/** What the device says of itself: a line for each thing, and a count for what comes in floods. */

const { FunctionTask } = require('../..');

/** For how long a line stands for all of its kind, in milliseconds. */
const PERIOD = 1000;

/** How many kinds are told apart at a time: a flood may have as many as it likes. */
const KINDS = 50;

const OTHERS = 'and other things';

class Log {
  #counts = new Map();

  constructor(write = (text) => process.stdout.write(`${text}\n`)) {
    this.write = write;
  }

  line(text) {
    this.write(`bacnet: ${text}`);
  }

  /** Says something once in a second, and then how often it has happened meanwhile. */
  limited(kind) {
    const text = this.#counts.has(kind) || this.#counts.size < KINDS ? kind : OTHERS;
    const count = this.#counts.get(text);
    if (count !== undefined) {
      count.more += 1;
      return;
    }
    this.line(text);
    const task = new FunctionTask(() => this.#settle(text));
    this.#counts.set(text, { more: 0, task });
    task.installTask({ delta: PERIOD });
  }

  #settle(text) {
    const { more, task } = this.#counts.get(text);
    task.suspendTask();
    this.#counts.delete(text);
    if (more > 0) this.line(`${text} (${more} more of them)`);
  }

  /** Says what was counted, and ends the tasks. */
  close() {
    for (const text of this.#counts.keys()) this.#settle(text);
  }
}

module.exports = { Log };
