'use strict';

// The last operations of each thread of a program, in shared memory: they can be read when the thread hangs or is
// gone.

const ENTRIES = 40;
const ENTRY_BYTES = 160;
/** The first word counts the entries that were ever written. */
const HEADER_BYTES = 4;

class ActorLog {
  name;
  memory;
  /** Prints each entry as it is written. */
  isTraced = false;
  #count;
  #bytes;

  constructor(name, memory = new SharedArrayBuffer(HEADER_BYTES + ENTRIES * ENTRY_BYTES)) {
    this.name = name;
    this.memory = memory;
    this.#count = new Int32Array(memory, 0, 1);
    this.#bytes = Buffer.from(memory, HEADER_BYTES);
  }

  /** Writes down what this thread is about to do, or has just seen. */
  note(text) {
    const at = ENTRY_BYTES * (this.#count[0] % ENTRIES);
    const [seconds, nanoseconds] = process.hrtime();
    const line = `${(seconds % 1000) * 1000 + Math.floor(nanoseconds / 1e6)} ${text}`;
    this.#bytes.fill(0, at, at + ENTRY_BYTES);
    this.#bytes.write(line, at, ENTRY_BYTES, 'latin1');
    Atomics.add(this.#count, 0, 1);
    if (this.isTraced) {
      require('node:fs').writeSync(2, `${this.name}: ${line}\n`);
    }
  }

  /** Returns the last entries, the oldest first. */
  last() {
    const count = Atomics.load(this.#count, 0);
    return Array.from({ length: Math.min(count, ENTRIES) }, (_, index) => {
      const at = ENTRY_BYTES * ((count - Math.min(count, ENTRIES) + index) % ENTRIES);
      return this.#bytes.toString('latin1', at, at + ENTRY_BYTES).replace(/\0+$/, '');
    });
  }

  toString() {
    return `Last operations of ${this.name} (milliseconds, operation):\n  ${this.last().join('\n  ')}`;
  }
}

module.exports = { ActorLog };
