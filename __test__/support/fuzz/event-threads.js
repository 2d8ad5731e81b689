'use strict';

// Events in several threads. What holds whatever the interleaving:
// - a set() that no thread clears releases every waiter, and so does set(); clear() for those that waited already;
// - no wait ends with true before the first set(), or after the last one is cleared;
// - close() ends every wait with ERR_EVENT_CLOSED, and every later call.

const { writeSync } = require('node:fs');

const { RunLoop, WaitableEvent, select, selectAsync } = require('waitable-event');

const { PHASE, isBlocked, makeWords, announce } = require('../threads');
const { Dice } = require('./dice');
const { Finding, hold, outcomeOf, same, turn } = require('./finding');

const CLOSED = 'ERR_EVENT_CLOSED';
const LONG = 40_000;
const THREADS = 3;
/** The word in which callers count their set() calls. */
const SETS = 0;

/** A channel that stops its loop when the event is set. */
class StoppingEvent extends WaitableEvent {
  handleRead() {
    this.outcome = true;
    this.loop.stop();
  }

  handleClose() {
    super.handleClose();
    this.outcome = CLOSED;
    this.loop.stop();
  }
}

/** Ways to wait: whether the call blocks, and what it returns. */
const WAYS = {
  wait: { blocks: true, call: (event) => event.wait() },
  'long wait': { blocks: true, call: (event) => event.wait(LONG) },
  select: { blocks: true, call: (event) => select([event], [], [])[0].length === 1 },
  'long select': { blocks: true, call: (event) => select([event], [], [], LONG)[0].length === 1 },
  waitAsync: { blocks: false, call: (event) => event.waitAsync() },
  'long waitAsync': { blocks: false, call: (event) => event.waitAsync(LONG) },
  selectAsync: { blocks: false, call: async (event) => (await selectAsync([event], [], []))[0].length === 1 },
};
/** Ways that see a level alone: a pulse may pass them. */
const LEVEL_WAYS = {
  runSync: { blocks: true, call: (event, handle) => runLoop(handle, (loop) => loop.runSync()) },
  run: { blocks: false, call: (event, handle) => runLoop(handle, (loop) => loop.run()) },
  iterator: {
    blocks: false,
    async call(event) {
      const { done } = await event[Symbol.asyncIterator]().next();
      // It takes the event: the others shall see it all the same.
      if (!done) {
        event.set();
      }
      return done ? CLOSED : true;
    },
  },
};

/** This thread's: a loop has descriptors for as long as it lives. */
let loop;

function runLoop(handle, call) {
  loop ??= new RunLoop();
  // open() makes a plain event: its handlers are added here.
  const channel = Object.setPrototypeOf(WaitableEvent.open(handle), StoppingEvent.prototype);
  channel.loop = loop;
  loop.add(channel);
  const end = () => {
    channel.delChannel();
    return channel.outcome;
  };
  const running = call(loop);
  return running === undefined ? end() : running.then(end);
}

/** A thread that waits once, in some way. */
async function waiter({ log, words, handle, way }) {
  const event = WaitableEvent.open(handle);
  const { blocks, call } = WAYS[way] ?? LEVEL_WAYS[way];
  log.note(`waits: ${way}`);
  try {
    let result;
    if (blocks) {
      announce(words, 1);
      result = call(event, handle);
    } else {
      const promise = call(event, handle);
      // A rejection before the next await is handled there.
      promise.catch(() => {});
      announce(words, 2);
      result = await promise;
    }
    log.note(`ended: ${result}`);
    return result;
  } catch (error) {
    log.note(`ended: ${error.code ?? error}`);
    return error.code ?? `${error.stack}`;
  }
}

/** A thread that calls everything, and checks what holds in any order. */
async function caller({ dice, log, handle, shared, operations, canSet }) {
  let event;
  try {
    event = WaitableEvent.open(handle);
  } catch (error) {
    if (error.code === 'ERR_INVALID_HANDLE') {
      return { faults: [], isClosed: true };
    }
    throw error;
  }
  const faults = [];
  const before = () => Atomics.load(shared, SETS);
  const seen = (what) => {
    if (before() === 0) {
      faults.push(`${what} saw the event set before any set()`);
    }
  };
  const actions = {
    set() {
      if (canSet) {
        Atomics.add(shared, SETS, 1);
        event.set();
      }
    },
    write() {
      if (canSet) {
        Atomics.add(shared, SETS, 1);
        writeSync(event.writeFileno(), 'x');
      }
    },
    clear: () => event.clear(),
    recv: () => event.recv(dice.pick([1, 10, 1000])).length > 0 && seen('recv()'),
    isSet: () => event.isSet() && seen('isSet()'),
    wait: () => event.wait(dice.pick([0, 0.2, 1])) && seen('wait()'),
    select: () => select([event], [], [], dice.pick([0, 0.2, 1]))[0].length > 0 && seen('select()'),
    waitAsync: async () => (await event.waitAsync(dice.pick([0, 0.5, 2]))) && seen('waitAsync()'),
    selectAsync: async () =>
      (await selectAsync([event], [], [], dice.pick([0, 0.5, 2])))[0].length > 0 && seen('selectAsync()'),
    turn: () => turn(),
  };
  const names = Object.keys(actions);
  for (let index = 0; index < operations; index += 1) {
    const what = dice.pick(names);
    log.note(what);
    try {
      await actions[what]();
    } catch (error) {
      // The descriptor of write() may be closed between the two calls.
      if (error.code === CLOSED || (what === 'write' && error.code === 'EBADF')) {
        return { faults, isClosed: true };
      }
      if (error.code !== 'EAGAIN') {
        faults.push(`${what}: ${error.stack}`);
      }
    }
  }
  return { faults, isClosed: false };
}

/** Starts waiters, and resolves when all of them wait. */
async function startWaiters({ dice, log, cast }, handle, ways) {
  const names = Array.from({ length: 1 + dice.below(THREADS) }, () => dice.pick(Object.keys(ways)));
  log.note(`waiters: ${names.join(', ')}`);
  const waiters = names.map((way) => {
    const words = makeWords();
    const outcome = cast.play(__filename, 'waiter', dice.seed(), { words, handle, way });
    // Looked at in the end.
    outcome.catch(() => {});
    return { way, words, outcome };
  });
  return waiters;
}

async function untilWaiting(waiters, log) {
  for (const { words, way } of waiters) {
    const deadline = Date.now() + 40_000;
    while (Atomics.load(words, PHASE) !== 2 && !isBlocked(words, 1)) {
      hold(Date.now() < deadline, `${way} does not sleep`);
      await turn();
    }
  }
  log.note('all wait');
}

async function ended(waiters, expected, what) {
  for (const { way, outcome } of waiters) {
    const { value, error } = await outcomeOf(outcome, `${way}, ${what}`);
    if (error !== undefined) {
      throw error;
    }
    same(value, expected, `${way}, ${what}`);
  }
}

const ROUNDS = {
  async release(context) {
    const { dice, log } = context;
    const event = new WaitableEvent();
    const waiters = await startWaiters(context, event.handle, { ...WAYS, ...LEVEL_WAYS });
    if (dice.chance(0.7)) {
      await untilWaiting(waiters, log);
    } else {
      await turn(dice.pick([undefined, 0, 1, 5]));
    }
    const way = dice.pick(['set', 'write', 'remote']);
    log.note(`release by ${way}`);
    if (way === 'set') {
      event.set();
    } else if (way === 'write') {
      writeSync(event.writeFileno(), 'x');
    } else {
      await context.cast.play(__filename, 'setter', dice.seed(), { handle: event.handle, pulse: false });
    }
    await ended(waiters, true, 'after a set() that no thread clears');
    event.close();
  },

  async pulse(context) {
    const { dice, log } = context;
    const event = new WaitableEvent();
    const waiters = await startWaiters(context, event.handle, WAYS);
    await untilWaiting(waiters, log);
    const way = dice.pick(['set', 'write', 'remote', 'recv']);
    log.note(`pulse by ${way}`);
    if (way === 'remote') {
      await context.cast.play(__filename, 'setter', dice.seed(), { handle: event.handle, pulse: true });
    } else {
      if (way === 'write') {
        writeSync(event.writeFileno(), 'x');
      } else {
        event.set();
      }
      if (way === 'recv') {
        event.recv(10);
      } else {
        event.clear();
      }
    }
    await ended(waiters, true, 'after set(); clear()');
    same(event.isSet(), false, 'isSet() after a pulse');
    event.close();
  },

  async close(context) {
    const { dice, log, cast } = context;
    const event = new WaitableEvent();
    const { handle } = event;
    const waiters = await startWaiters(context, handle, { ...WAYS, ...LEVEL_WAYS });
    await untilWaiting(waiters, log);
    log.note('close');
    if (dice.chance(0.5)) {
      event.close();
    } else {
      await cast.play(__filename, 'closer', dice.seed(), { handle });
    }
    await ended(waiters, CLOSED, 'after close()');
    same(event.closed, true, 'closed');
    event.close();
  },

  /** All threads do as they like; afterwards the event is as whole as before. */
  async chaos(context) {
    const { dice, log, cast } = context;
    const event = new WaitableEvent();
    const { handle } = event;
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const canSet = dice.chance(0.8);
    const closes = dice.chance(0.3);
    log.note(`chaos: ${canSet ? 'with' : 'without'} set(), ${closes ? 'and close()' : ''}`);
    const callers = Array.from({ length: 2 + dice.below(2) }, () =>
      cast.play(__filename, 'caller', dice.seed(), { handle, shared, operations: 20 + dice.below(150), canSet }),
    );
    // Their rejections are looked at below.
    callers.forEach((promise) => promise.catch(() => {}));
    const own = new Dice(dice.seed());
    const ending = caller({ dice: own, log, handle, shared, operations: 20, canSet });
    if (closes) {
      await turn(dice.pick([undefined, 0, 1, 3, 10]));
      log.note('close');
      event.close();
    }
    for (const promise of [...callers, ending]) {
      const { value, error } = await outcomeOf(promise, 'a caller');
      if (error !== undefined) {
        throw error;
      }
      const { faults, isClosed } = value;
      if (faults.length > 0) {
        throw new Finding(faults.join('\n'));
      }
      hold(closes || !isClosed, 'A call said that the event is closed');
    }
    if (!closes) {
      event.clear();
      same([event.isSet(), event.wait(1), await event.waitAsync(1)], [false, false, false], 'the event, cleared');
      const wait = event.waitAsync();
      event.set();
      same([event.isSet(), event.wait(), await wait], [true, true, true], 'the event, set');
      event.close();
    }
  },
};

async function setter({ log, handle, pulse }) {
  const event = WaitableEvent.open(handle);
  log.note(pulse ? 'set(), clear()' : 'set()');
  event.set();
  if (pulse) {
    event.clear();
  }
}

async function closer({ log, handle }) {
  log.note('close()');
  WaitableEvent.open(handle).close();
}

async function run(context) {
  const { dice, log, operations } = context;
  for (let index = 0; index < operations; index += 1) {
    const round = dice.pick(Object.keys(ROUNDS));
    log.note(`round: ${round}`);
    await ROUNDS[round](context);
  }
}

module.exports = { run, waiter, caller, setter, closer };
