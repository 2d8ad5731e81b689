'use strict';
/**
 * The ring that a program writes for itself: one writer, one reader, records in a SharedArrayBuffer, and one
 * `postMessage()` for each sleep of the reader. It has no names, options, order, errors, limits or end. Numbers stand
 * in the slots of one ring; what `json` and `structuredClone` make of objects stands in the bytes of another one.
 */

const { deserialize, serialize } = require('node:v8');

/** Words of the head. Each has a cache line of its own. */
const [WRITTEN, READ, IS_ASLEEP, IS_FULL] = [0, 16, 32, 48];
const HEAD = 64;

const SLOTS = 1 << 16;
const BYTES = 1 << 20;

/** Number of records after which the writer learns that there is room again. */
const BATCH = 256;

/** The length that tells the reader to go on at the beginning of the ring. */
const WRAP = -1;

/** Both ends' view of the words, and how the two wait for each other. */
class Ends {
  constructor(words) {
    this.words = words;
    this.written = Atomics.load(words, WRITTEN);
    this.read = Atomics.load(words, READ);
  }

  /** Publishes what has been written, and wakes a reader that sleeps. */
  publish(wake) {
    Atomics.store(this.words, WRITTEN, this.written);
    if (Atomics.load(this.words, IS_ASLEEP) === 1) {
      Atomics.store(this.words, IS_ASLEEP, 0);
      wake();
    }
  }

  /** Blocks the writer until `room` of `capacity` is free. */
  waitForRoom(room, capacity) {
    this.read = Atomics.load(this.words, READ);
    while (((this.written - this.read) | 0) > capacity - room) {
      Atomics.store(this.words, IS_FULL, 1);
      Atomics.wait(this.words, READ, this.read, 10);
      this.read = Atomics.load(this.words, READ);
    }
  }

  /** Tells the writer what has been read. */
  release() {
    Atomics.store(this.words, READ, this.read);
    if (Atomics.load(this.words, IS_FULL) === 1) {
      Atomics.store(this.words, IS_FULL, 0);
      Atomics.notify(this.words, READ);
    }
  }

  /** Calls `readOne()` until the ring is empty and the writer knows that the reader sleeps. */
  drain(readOne) {
    const { words } = this;
    Atomics.store(words, IS_ASLEEP, 0);
    for (;;) {
      this.written = Atomics.load(words, WRITTEN);
      if (this.written === this.read) {
        Atomics.store(words, IS_ASLEEP, 1);
        if (Atomics.load(words, WRITTEN) === this.read) {
          return;
        }
        Atomics.store(words, IS_ASLEEP, 0);
        continue;
      }
      for (let left = BATCH; left > 0 && this.written !== this.read; left -= 1) {
        readOne();
      }
      this.release();
    }
  }
}

function headOf(memory) {
  return new Int32Array(memory, 0, HEAD);
}

class NumberRing {
  constructor(memory = new SharedArrayBuffer(HEAD * 4 + SLOTS * 8)) {
    this.memory = memory;
    this.ends = new Ends(headOf(memory));
    this.slots = new Float64Array(memory, HEAD * 4, SLOTS);
  }

  push(value, wake) {
    const { ends } = this;
    if (((ends.written - ends.read) | 0) >= SLOTS) {
      ends.waitForRoom(1, SLOTS);
    }
    this.slots[ends.written & (SLOTS - 1)] = value;
    ends.written = (ends.written + 1) | 0;
    ends.publish(wake);
  }

  drain(arrived) {
    const { ends, slots } = this;
    ends.drain(() => {
      const value = slots[ends.read & (SLOTS - 1)];
      ends.read = (ends.read + 1) | 0;
      arrived(value);
    });
  }
}

/** What a task is for its scheduler. */
class SentTask {
  constructor(id, ring) {
    this.id = id;
    this.ring = ring;
  }
}

/** What a handler learns beside its payload. */
class Context {
  constructor(name, manager, threadId) {
    this.name = name;
    this.manager = manager;
    this.threadId = threadId;
  }
}

/**
 * A ring of numbers whose records have what a task needs: a handler, a kind, a time, an id, a size. Each task is an
 * object for its scheduler, and its handler gets a context, is counted, and may throw. No task is ever late, cancelled
 * or looked for.
 */
class RecordRing {
  constructor(memory = new SharedArrayBuffer(HEAD * 4 + SLOTS * 32)) {
    this.memory = memory;
    this.ends = new Ends(headOf(memory));
    this.words = new Int32Array(memory, HEAD * 4, SLOTS * 8);
    this.doubles = new Float64Array(memory, HEAD * 4, SLOTS * 4);
    this.nextId = 1;
    this.counts = { begun: 0, ended: 0, failed: 0 };
  }

  push(value, wake) {
    const { ends, words, doubles } = this;
    if (((ends.written - ends.read) | 0) >= SLOTS) {
      ends.waitForRoom(1, SLOTS);
    }
    const slot = ends.written & (SLOTS - 1);
    const id = this.nextId;
    this.nextId += 1;
    doubles[slot * 4] = value;
    doubles[slot * 4 + 1] = -Infinity;
    words[slot * 8 + 4] = 1;
    words[slot * 8 + 5] = 0;
    words[slot * 8 + 6] = id;
    words[slot * 8 + 7] = 0;
    ends.written = (ends.written + 1) | 0;
    ends.publish(wake);
    return new SentTask(id, this);
  }

  drain(arrived) {
    const { ends, words, doubles, counts } = this;
    const handlers = [{ name: 'arrive', handler: arrived }];
    ends.drain(() => {
      const slot = ends.read & (SLOTS - 1);
      const { name, handler } = handlers[words[slot * 8 + 5]];
      const value = words[slot * 8 + 4] === 1 ? doubles[slot * 4] : undefined;
      ends.read = (ends.read + 1) | 0;
      counts.begun += 1;
      try {
        handler(value, new Context(name, this, words[slot * 8 + 6]));
        counts.ended += 1;
      } catch {
        counts.failed += 1;
      }
    });
  }
}

/** Writes text as bytes, and returns how many: a loop is faster than a call for what is short. */
function writeText(buffer, offset, text) {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) {
      return buffer.write(text, offset);
    }
    buffer[offset + index] = code;
  }
  return text.length;
}

/** How objects become bytes: the most bytes that a value needs, and both ways. */
const codecs = {
  json: {
    encode: JSON.stringify,
    most: (text) => text.length * 3,
    write: writeText,
    read: (buffer, offset, length) => JSON.parse(buffer.utf8Slice(offset, offset + length)),
  },
  structuredClone: {
    encode: serialize,
    most: (bytes) => bytes.length,
    write(buffer, offset, bytes) {
      buffer.set(bytes, offset);
      return bytes.length;
    },
    read: (buffer, offset, length) => deserialize(buffer.subarray(offset, offset + length)),
  },
};

class ObjectRing {
  constructor(codec, memory = new SharedArrayBuffer(HEAD * 4 + BYTES)) {
    this.memory = memory;
    this.codec = codecs[codec];
    this.ends = new Ends(headOf(memory));
    this.lengths = new Int32Array(memory, HEAD * 4);
    this.buffer = Buffer.from(memory, HEAD * 4);
  }

  push(value, wake) {
    const { ends, codec } = this;
    const encoded = codec.encode(value);
    // Twice, for the end of the ring that may have to be skipped.
    const most = 2 * (codec.most(encoded) + 8);
    if (((ends.written - ends.read) | 0) > BYTES - most) {
      ends.waitForRoom(most, BYTES);
    }
    let place = ends.written & (BYTES - 1);
    if (place + most / 2 > BYTES) {
      this.lengths[place >> 2] = WRAP;
      ends.written = (ends.written + BYTES - place) | 0;
      place = 0;
    }
    const length = codec.write(this.buffer, place + 4, encoded);
    this.lengths[place >> 2] = length;
    ends.written = (ends.written + ((length + 7) & ~3)) | 0;
    ends.publish(wake);
  }

  drain(arrived) {
    const { ends, codec } = this;
    ends.drain(() => {
      let place = ends.read & (BYTES - 1);
      let length = this.lengths[place >> 2];
      if (length === WRAP) {
        ends.read = (ends.read + BYTES - place) | 0;
        place = 0;
        length = this.lengths[0];
      }
      const value = codec.read(this.buffer, place + 4, length);
      ends.read = (ends.read + ((length + 7) & ~3)) | 0;
      arrived(value);
    });
  }
}

const makeRing = {
  number: (memory) => new NumberRing(memory),
  record: (memory) => new RecordRing(memory),
  json: (memory) => new ObjectRing('json', memory),
  structuredClone: (memory) => new ObjectRing('structuredClone', memory),
};

/** Opens a ring for what `codec` says: see `makeRing`. The reader makes the memory, and gives it to the writer. */
function openRing(codec, memory) {
  const ring = makeRing[codec](memory);
  if (memory === undefined) {
    // The reader sleeps until it is woken for the first time.
    Atomics.store(ring.ends.words, IS_ASLEEP, 1);
  }
  return ring;
}

module.exports = { openRing };
