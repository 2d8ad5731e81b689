'use strict';

// select() and selectAsync() over events, FIFOs, sockets and files, against what the program knows of their readiness.

const { closeSync, fstatSync, openSync } = require('node:fs');
const { devNull } = require('node:os');

const { WaitableEvent, select, selectAsync } = require('waitable-event');

const { monotonic } = require('../threads');
const { Fifo, socketPair } = require('./descriptors');
const { codeOf, hold, outcomeOf, same, turn } = require('./finding');

const FIFOS = 4;
const EVENTS = 4;
/** Pending selectAsync() calls at a time. */
const TOGETHER = 5;

const never = () => false;
const always = () => true;
/** Whether a read side can be written to: on Windows it is one side of a connection, which has room. */
const readerWrites = process.platform === 'win32' ? always : never;

/**
 * Something to select, and what is known of it: `reads()` and `writes()` return true, false, or undefined where either
 * is right.
 * `code` is that of the error that it makes.
 */
function candidate(name, member, reads, writes, code) {
  return { name, member, reads, writes, code };
}

/** The same descriptor as a number or as an object. */
function forms(dice, fd) {
  return dice.chance(0.7) ? fd : { fileno: () => fd };
}

class World {
  events = [];
  fifos = [];
  streams;
  files = [];
  /** Numbers of descriptors that this program has closed. */
  closed = [];
  #context;

  constructor(context, streams) {
    this.#context = context;
    this.streams = streams;
    this.files = [devNull, __filename].map((path) => openSync(path, 'r'));
  }

  candidates() {
    const { dice } = this.#context;
    const all = [];
    this.events.forEach((entry, index) => {
      const reads = () => entry.isSet;
      const { event } = entry;
      if (entry.isClosed) {
        all.push(candidate(`event ${index}, closed`, event, never, never, 'ERR_EVENT_CLOSED'));
      } else if (dice.chance(0.8)) {
        all.push(candidate(`event ${index}`, event, reads, never));
      } else {
        all.push(candidate(`event ${index} by number`, event.fileno(), reads, readerWrites));
      }
    });
    this.fifos.forEach((fifo, index) => {
      if (fifo.hasReader) {
        const reads = () => fifo.isReadable || !fifo.hasWriter;
        all.push(candidate(`reader ${index}`, forms(dice, fifo.reader), reads, readerWrites));
      }
      if (fifo.hasWriter) {
        // With no reader: an error, which is both.
        const writes = () => !fifo.hasReader || fifo.isWritable;
        all.push(candidate(`writer ${index}`, forms(dice, fifo.writer), () => !fifo.hasReader, writes));
      }
    });
    const [ab, ba] = this.streams;
    all.push(
      candidate(
        'socket a',
        forms(dice, ab.reader),
        () => ab.isReadable,
        () => ba.isWritable,
      ),
    );
    all.push(
      candidate(
        'socket b',
        forms(dice, ba.reader),
        () => ba.isReadable,
        () => ab.isWritable,
      ),
    );
    return all;
  }

  special() {
    const { dice } = this.#context;
    if (dice.chance(0.5)) {
      return candidate('a file', forms(dice, dice.pick(this.files)), always, always);
    }
    // Another thread may open what this one has closed. On Windows anything may have the number.
    const isAlone = this.#context.isAlone && process.platform !== 'win32';
    const number = dice.pick(isAlone ? [...this.closed.slice(-5), 1_000_000] : [1_000_000]);
    const isOpen = codeOf(() => fstatSync(number)) === undefined;
    return isOpen ? undefined : candidate(`closed ${number}`, forms(dice, number), always, always, 'EBADF');
  }

  /** Changes the readiness of something, and says of what. */
  change() {
    const { dice, log, directory } = this.#context;
    const what = dice.weighted({ event: 8, fifo: 8, socket: 6, make: 2 });
    if (what === 'make') {
      if (dice.chance(0.5) && this.events.length < EVENTS) {
        log.note(`event ${this.events.length}`);
        this.events.push({ event: new WaitableEvent(), isSet: false, isClosed: false });
      } else if (this.fifos.length < FIFOS) {
        log.note(`FIFO ${this.fifos.length}`);
        this.fifos.push(new Fifo(directory));
      }
    } else if (what === 'event' && this.events.length > 0) {
      this.#changeEvent(dice.below(this.events.length));
    } else if (what === 'fifo' && this.fifos.length > 0) {
      this.#changeFifo(dice.below(this.fifos.length));
    } else if (what === 'socket') {
      this.#changeStream(dice.pick(this.streams), 'socket');
    }
  }

  #changeEvent(index) {
    const { dice, log } = this.#context;
    const entry = this.events[index];
    const how = dice.weighted({ set: 6, clear: 6, close: 0.5 });
    log.note(`event ${index}: ${how}`);
    if (entry.isClosed) {
      this.events[index] = { event: new WaitableEvent(), isSet: false, isClosed: false };
    } else if (how === 'close') {
      this.closed.push(entry.event.fileno());
      entry.event.close();
      entry.isClosed = true;
      entry.isSet = false;
    } else {
      entry.event[how]();
      entry.isSet = how === 'set';
    }
  }

  #changeFifo(index) {
    const { dice, log, directory } = this.#context;
    const fifo = this.fifos[index];
    const how = dice.weighted({ change: 8, closeReader: 0.5, closeWriter: 0.5 });
    if (!fifo.hasReader && !fifo.hasWriter) {
      log.note(`FIFO ${index} anew`);
      this.fifos[index] = new Fifo(directory);
    } else if (how !== 'change' || !fifo.hasReader || !fifo.hasWriter) {
      const side = how === 'closeReader' || !fifo.hasWriter ? 'Reader' : 'Writer';
      log.note(`FIFO ${index}: close${side}()`);
      if (fifo[`has${side}`]) {
        this.closed.push(fifo[side.toLowerCase()]);
      }
      fifo[`close${side}`]();
      if (!fifo.hasReader) {
        fifo.bytes = 0;
      }
    } else {
      this.#changeStream(fifo, `FIFO ${index}`);
    }
  }

  #changeStream(stream, name) {
    const { dice, log } = this.#context;
    const how = dice.weighted({ write: 5, read: 3, drain: 4, fill: 1 });
    log.note(`${name}: ${how}`);
    if (how === 'write') {
      if (stream.isWritable === true) {
        stream.write(1 + dice.below(100));
      }
    } else if (how === 'read') {
      if (stream.bytes > 0) {
        stream.read(1 + dice.below(50));
      }
    } else {
      stream[how]();
    }
  }

  end() {
    this.events.forEach(({ event }) => event.close());
    this.fifos.forEach((fifo) => {
      fifo.closeReader();
      fifo.closeWriter();
    });
    this.streams.forEach((stream) => stream.drain());
    this.files.forEach((fd) => closeSync(fd));
  }
}

/** One call: its three lists, and what it may return. */
class Call {
  readers;
  writers;
  exceptional;
  #dice;

  constructor(dice, world) {
    this.#dice = dice;
    const candidates = world.candidates();
    const pick = (most) => {
      const taken = dice.sample(candidates, dice.below(most + 1));
      // The same one twice is in the result twice.
      if (taken.length > 0 && dice.chance(0.1)) {
        taken.push(dice.pick(taken));
      }
      const special = dice.chance(0.1) ? world.special() : undefined;
      return special === undefined ? taken : [...taken, special];
    };
    this.readers = pick(5);
    this.writers = pick(3);
    this.exceptional = pick(1);
  }

  get all() {
    return [...this.readers, ...this.writers, ...this.exceptional];
  }

  get codes() {
    return this.all.map(({ code }) => code).filter((code) => code !== undefined);
  }

  get args() {
    const list = (candidates) => {
      const members = candidates.map(({ member }) => member);
      return this.#dice.chance(0.1) ? members.values() : members;
    };
    return [list(this.readers), list(this.writers), list(this.exceptional)];
  }

  /** Whether something is ready: undefined where the kernel may say either. */
  get isReady() {
    const ready = new Set([...this.readers.map((one) => one.reads()), ...this.writers.map((one) => one.writes())]);
    return ready.has(true) ? true : ready.has(undefined) ? undefined : false;
  }

  /** Checks a result against what is known now. */
  check([readers, writers, exceptional], what) {
    const compare = (name, candidates, isReady, result) => {
      let at = 0;
      for (const one of candidates) {
        const ready = isReady(one);
        if (result[at] === one.member && at < result.length && ready !== false) {
          at += 1;
        } else {
          hold(ready !== true, () => `${what}: ${one.name} is missing in the ${name}`);
        }
      }
      same(at, result.length, `${what}: ${name} that are not ready, or in another order`);
    };
    compare('readers', this.readers, (one) => one.reads(), readers);
    compare('writers', this.writers, (one) => one.writes(), writers);
    compare('exceptional', this.exceptional, () => false, exceptional);
  }

  toString() {
    const lists = [this.readers, this.writers, this.exceptional];
    return `(${lists.map((list) => `[${list.map(({ name }) => name).join(', ')}]`).join(', ')})`;
  }
}

function checkTime(before, timeout, what) {
  hold(monotonic() - before >= timeout, () => `${what} gave up after ${monotonic() - before} of ${timeout} ms`);
}

async function run(context) {
  const { dice, log, operations, directory } = context;
  const world = new World(context, await socketPair(directory));

  const blocking = () => {
    const call = new Call(dice, world);
    const timeout = call.isReady === true && dice.chance(0.5) ? undefined : dice.pick([0, 0, -1, 0.4, 2]);
    const what = `select${call.toString()} for ${timeout}`;
    log.note(what);
    const { codes } = call;
    const before = monotonic();
    if (codes.length > 0) {
      const code = codeOf(() => select(...call.args, timeout ?? 0));
      hold(codes.includes(code), () => `${what}: ${code}, not ${codes.join(' or ')}`);
      return;
    }
    const result = select(...call.args, timeout);
    call.check(result, what);
    if (call.isReady === false) {
      checkTime(before, timeout, what);
    }
  };

  const immediate = async () => {
    const call = new Call(dice, world);
    const timeout = call.isReady === true && dice.chance(0.5) ? undefined : dice.pick([0, -1, 0.4, 2]);
    const what = `selectAsync${call.toString()} for ${timeout}`;
    log.note(what);
    const { codes } = call;
    const before = monotonic();
    const { value, code } = await outcomeOf(selectAsync(...call.args, timeout), what);
    if (codes.length > 0) {
      hold(codes.includes(code), () => `${what}: ${code}, not ${codes.join(' or ')}`);
      return;
    }
    same(code, undefined, what);
    call.check(value, what);
    if (call.isReady === false) {
      checkTime(before, timeout, what);
    }
  };

  /** Several calls that nothing has ended yet, and then something that does. */
  const pending = async () => {
    const calls = [];
    const controller = new AbortController();
    for (let left = 1 + dice.below(TOGETHER); left > 0; left -= 1) {
      const call = new Call(dice, world);
      // What the kernel may say of the writers is not known, and changes with every byte.
      if (call.codes.length === 0 && call.isReady === false) {
        const entry = { call, what: `pending selectAsync${call.toString()}` };
        log.note(entry.what);
        entry.promise = selectAsync(...call.args, 60_000, { signal: controller.signal });
        entry.promise.then(
          () => (entry.isOver = true),
          () => (entry.isOver = true),
        );
        calls.push(entry);
      }
    }
    if (calls.length === 0) {
      return;
    }
    await turn(dice.pick([undefined, 1]));
    for (const entry of calls) {
      hold(!entry.isOver, () => `${entry.what} is over, and nothing has happened`);
    }
    const event = dice.pick([...calls.flatMap(({ call }) => call.readers), undefined]);
    const entry = world.events.find(({ event: other }) => other === event?.member);
    if (entry !== undefined && dice.chance(0.5)) {
      const how = dice.pick(['pulse', 'close']);
      log.note(`${how} ${event.name}`);
      if (how === 'pulse') {
        entry.event.set();
        entry.event.clear();
      } else {
        entry.event.close();
        entry.isClosed = true;
      }
      for (const { call, promise, what } of calls) {
        if (call.readers.some(({ member }) => member === entry.event)) {
          const { value, code } = await outcomeOf(promise, `${what} after a ${how}`);
          if (how === 'pulse') {
            same(code, undefined, `${what} after a pulse`);
            hold(value[0].includes(entry.event), () => `${what} after a pulse: ${event.name} is missing`);
          } else {
            same(code, 'ERR_EVENT_CLOSED', `${what} after close()`);
          }
        }
      }
      controller.abort(new Error('aborted'));
      await Promise.allSettled(calls.map(({ promise }) => promise));
      return;
    }
    // Closing a descriptor under a select is not defined, so only bytes and events change here.
    for (let left = 3; left > 0 && calls.every(({ call }) => call.isReady === false); left -= 1) {
      const reader = dice.pick(calls.flatMap(({ call }) => call.readers.map(({ name }) => name)).concat(['none']));
      makeReadable(world, reader, log);
    }
    await turn();
    for (const { call, promise, what } of calls) {
      if (call.isReady === true) {
        const { value, code } = await outcomeOf(promise, `${what} after something became ready`);
        same(code, undefined, what);
        call.check(value, what);
      }
    }
    log.note('abort');
    controller.abort(new Error('aborted'));
    for (const { call, promise, what } of calls) {
      const { code, error } = await outcomeOf(promise, `${what}, aborted`);
      if (call.isReady === false) {
        same(error, controller.signal.reason, `${what}, aborted (${code})`);
      }
    }
  };

  try {
    for (let index = 0; index < operations; index += 1) {
      const what = dice.weighted({ change: 12, blocking: 6, immediate: 4, pending: 3 });
      if (what === 'change') {
        world.change();
      } else {
        await { blocking, immediate, pending }[what]();
      }
    }
  } finally {
    world.end();
  }
}

/** Makes a reader of this name ready: by a byte, or by set(). */
function makeReadable(world, name, log) {
  log.note(`make ${name} readable`);
  const [kind, number] = name.split(' ');
  if (kind === 'event') {
    const entry = world.events[number];
    entry.event.set();
    entry.isSet = true;
  } else if (kind === 'reader') {
    const fifo = world.fifos[number];
    if (fifo.hasWriter && fifo.isWritable === true) {
      fifo.write(1);
    }
  } else if (kind === 'socket') {
    const stream = world.streams[number === 'a' ? 0 : 1];
    if (stream.isWritable === true) {
      stream.write(1);
    }
  }
}

module.exports = { run };
