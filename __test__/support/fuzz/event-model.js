'use strict';

// Events in one thread, exactly against a model: a word, the bytes in the pipe, and what each wait must end with.

const { writeSync } = require('node:fs');

const { WaitableEvent, select } = require('waitable-event');

const { monotonic } = require('../threads');
const { codeOf, hold, outcomeOf, same, turn } = require('./finding');

const CLOSED = 'ERR_EVENT_CLOSED';
const EVENTS = 4;

/** What the rules say of one event. */
class Model {
  /** The objects of this thread that have it open. */
  objects = [];
  handle;
  isMarked = false;
  bytes = 0;
  /** Whether the pipe has refused bytes, and how many it may hold beside `bytes`. */
  isFull = false;
  spare = 0;
  isClosed = false;
  waits = [];

  get isSet() {
    return this.isMarked || this.bytes > 0;
  }

  set() {
    if (!this.isMarked) {
      // A full pipe takes no byte, or it does when the last page has room.
      this.bytes += this.isFull ? 0 : 1;
      this.spare += this.isFull ? 1 : 0;
      this.isMarked = true;
    }
    this.#wake();
  }

  write(count) {
    this.bytes += count;
    if (count > 0) {
      this.#wake();
    }
  }

  take(count) {
    this.bytes -= count;
    if (this.bytes === 0) {
      this.isMarked = false;
      this.isFull = false;
      this.spare = 0;
    }
  }

  close() {
    this.isClosed = true;
    this.waits.forEach((wait) => wait.allow('closed'));
  }

  #wake() {
    const now = monotonic();
    this.waits.forEach((wait) => wait.allow(true, now));
  }
}

/** One waitAsync(): what it may end with, and what it ended with. */
class Wait {
  /** Undefined until something has happened that must end it. */
  allowed;
  outcome;
  done;
  #before = monotonic();
  #timeout;
  #controller;

  constructor(timeout, controller) {
    this.#timeout = timeout;
    this.#controller = controller;
  }

  watch(promise) {
    const settle = (outcome) => {
      this.outcome = outcome;
      this.elapsed = monotonic() - this.#before;
    };
    this.done = promise.then(settle, (error) => {
      settle(error.code === CLOSED ? 'closed' : error === this.#controller?.signal.reason ? 'aborted' : String(error));
    });
  }

  /** Something has happened that ends it, unless something else already has. */
  allow(outcome, now = monotonic()) {
    if (this.allowed === undefined) {
      this.allowed = new Set([outcome]);
      if (now >= this.#before + this.#timeout) {
        this.allowed.add(false);
      }
    } else {
      // The loop has not told yet: whichever it tells first.
      this.allowed.add(outcome);
    }
  }

  abort() {
    this.allow('aborted');
    this.#controller.abort(new Error('aborted'));
  }

  get canAbort() {
    return this.#controller?.signal.aborted === false;
  }

  get isSettled() {
    return this.outcome !== undefined;
  }

  get hasEnd() {
    return this.allowed !== undefined || this.#timeout !== Infinity;
  }

  check() {
    const allowed = this.allowed ?? new Set(this.#timeout === Infinity ? [] : [false]);
    hold(
      allowed.has(this.outcome),
      () => `waitAsync(${this.#timeout}) ended with ${this.outcome}, not one of ${[...allowed].join(', ')}`,
    );
    hold(
      this.outcome !== false || this.elapsed >= this.#timeout,
      () => `waitAsync(${this.#timeout}) gave up after ${this.elapsed} ms`,
    );
  }
}

function isReadable(fd) {
  return select([fd], [], [], 0)[0].length === 1;
}

async function run({ dice, log, operations }) {
  const models = [];

  const make = () => {
    const model = new Model();
    const set = dice.chance(0.3);
    log.note(`${models.length} = new WaitableEvent({ set: ${set} })`);
    model.objects.push(new WaitableEvent({ set }));
    model.handle = model.objects[0].handle;
    if (set) {
      model.set();
    }
    models.push(model);
  };

  /** Every call of an event that is closed fails, and changes nothing. */
  const useClosed = async (model, event, name) => {
    log.note(`use ${name}, which is closed`);
    const calls = {
      set: () => event.set(),
      clear: () => event.clear(),
      isSet: () => event.isSet(),
      wait: () => event.wait(1),
      recv: () => event.recv(1),
      fileno: () => event.fileno(),
      writeFileno: () => event.writeFileno(),
      handle: () => event.handle,
    };
    const what = dice.pick(Object.keys(calls));
    same(codeOf(calls[what]), CLOSED, `${what} of a closed event`);
    same(event.closed, true, 'closed');
    same(
      codeOf(() => WaitableEvent.open(model.handle)),
      'ERR_INVALID_HANDLE',
      'open() of a closed event',
    );
    const { code } = await outcomeOf(event.waitAsync(dice.pick([0, 1, undefined])), 'waitAsync() of a closed event');
    same(code, CLOSED, 'waitAsync() of a closed event');
    event.close();
  };

  const startWait = (model, event, name) => {
    const timeout = dice.pick([Infinity, Infinity, 0, -1, 0.5, 1, 3, 10, 60_000]);
    const controller = dice.chance(0.4) ? new AbortController() : undefined;
    const isAborted = controller !== undefined && dice.chance(0.1);
    const ref = dice.pick([undefined, true, false]);
    log.note(`${name}.waitAsync(${timeout}, { ref: ${ref}, signal: ${controller && isAborted} })`);
    const wait = new Wait(timeout, controller);
    if (isAborted) {
      controller.abort(new Error('aborted'));
      wait.allow('aborted');
    } else if (model.isSet) {
      wait.allow(true, 0);
    } else if (timeout <= 0) {
      wait.allow(false);
    }
    wait.watch(event.waitAsync(timeout, { signal: controller?.signal, ref }));
    model.waits.push(wait);
  };

  const settle = () => {
    for (const model of models) {
      model.waits = model.waits.filter((wait) => {
        if (wait.isSettled) {
          wait.check();
        }
        return !wait.isSettled;
      });
    }
  };

  const actions = {
    set(model, event, name) {
      log.note(`${name}.set()`);
      event.set();
      model.set();
    },
    send(model, event, name) {
      const text = dice.pick(['', 'x', 'xyz']);
      log.note(`${name}.send('${text}')`);
      same(event.send(text), text.length, 'send()');
      if (text !== '') {
        model.set();
      }
    },
    clear(model, event, name) {
      log.note(`${name}.clear()`);
      event.clear();
      model.take(model.bytes);
    },
    pulse(model, event, name) {
      log.note(`${name}.set(), clear()`);
      event.set();
      model.set();
      event.clear();
      model.take(model.bytes);
    },
    write(model, event, name) {
      const count = dice.pick([1, 1, 2, 7, 4096, 70_000]);
      log.note(`${count} bytes to ${name}.writeFileno()`);
      let written = 0;
      try {
        written = writeSync(event.writeFileno(), Buffer.alloc(count, 1));
      } catch (error) {
        same(error.code, 'EAGAIN', 'write to the pipe');
        hold(model.bytes > 4096, () => `The pipe is full with ${model.bytes} bytes`);
      }
      model.isFull ||= written < count;
      model.write(written);
    },
    recv(model, event, name) {
      const size = dice.pick([0, 1, 1, 2, 100, 100_000]);
      log.note(`${name}.recv(${size}) of ${model.bytes}`);
      const { length } = event.recv(size);
      const excess = length - Math.min(size, model.bytes);
      hold(excess >= 0 && excess <= model.spare, () => `recv(${size}) of ${model.bytes} bytes took ${length}`);
      model.take(Math.min(size, model.bytes));
    },
    look(model, event, name) {
      log.note(`look at ${name}`);
      const byDescriptor = isReadable(event.fileno());
      same(
        [event.isSet(), event.wait(0), byDescriptor, event.closed],
        [model.isSet, model.isSet, model.isSet, false],
        name,
      );
    },
    wait(model, event, name) {
      const timeout = model.isSet ? dice.pick([undefined, 1, 1000, -1]) : dice.pick([0, 0.3, 1, 2.5]);
      log.note(`${name}.wait(${timeout})`);
      const before = monotonic();
      same(event.wait(timeout), model.isSet, `${name}.wait(${timeout})`);
      hold(model.isSet || monotonic() - before >= timeout, () => `wait(${timeout}) gave up early`);
    },
    open(model, _event, name) {
      log.note(`open ${name}`);
      model.objects.push(WaitableEvent.open(model.handle));
    },
    close(model, event, name) {
      log.note(`${name}.close()`);
      event.close();
      model.close();
    },
    async abort(model) {
      const waits = model.waits.filter(({ canAbort }) => canAbort);
      if (waits.length > 0) {
        log.note('abort a wait');
        dice.pick(waits).abort();
      }
    },
  };
  const weights = {
    set: 10,
    send: 2,
    clear: 10,
    pulse: 4,
    write: 4,
    recv: 6,
    look: 10,
    wait: 3,
    open: 3,
    close: 1.5,
    abort: 5,
    startWait: 20,
    turn: 14,
  };

  make();
  for (let index = 0; index < operations; index += 1) {
    const open = models.filter(({ isClosed }) => !isClosed).length;
    if (open === 0 || (open < EVENTS && dice.chance(0.05))) {
      make();
    }
    // Recent ones are more often open.
    const number = Math.max(0, models.length - 1 - dice.below(EVENTS));
    const model = models[number];
    const event = dice.pick(model.objects);
    const name = `${number}.${model.objects.indexOf(event)}`;
    const what = dice.weighted(weights);
    if (what === 'turn') {
      const time = dice.pick([undefined, undefined, 0, 1, 4]);
      log.note(`a turn of the event loop, ${time}`);
      await turn(time);
      settle();
    } else if (model.isClosed) {
      await useClosed(model, event, name);
    } else if (what === 'startWait') {
      startWait(model, event, name);
    } else {
      await actions[what](model, event, name);
    }
  }

  for (const [number, model] of models.entries()) {
    if (!model.isClosed && model.waits.some((wait) => !wait.hasEnd || dice.chance(0.3))) {
      await actions[dice.pick(['set', 'pulse', 'close', 'write'])](model, model.objects[0], `${number}.0`);
    }
    // What has an end comes to it by itself, also when the event was cleared since: close() shall not hide a fault.
    const decided = model.waits.filter(({ allowed }) => allowed !== undefined);
    const before = await outcomeOf(
      Promise.all(decided.map(({ done }) => done)),
      `waits of event ${number} that have an end`,
    );
    hold(before.code === undefined, () => `event ${number}: ${before.code}`);
    settle();
    // Long ones need not be waited for.
    if (!model.isClosed) {
      log.note(`close ${number}`);
      model.close();
      dice.pick(model.objects).close();
    }
    const what = `waits of event ${number}`;
    const ended = await outcomeOf(Promise.all(model.waits.map(({ done }) => done)), what);
    hold(ended.code === undefined, () => `${what}: ${ended.code}`);
  }
  settle();
}

module.exports = { run };
