'use strict';

// Tasks and calls from several threads. Each producer knows what it asked for and was told; the manager's thread counts
// what ran. In the end the two are compared:
// - what is due immediately and was not taken back runs exactly once, in the order of its producer; so does what has a
//   time, in any order;
// - of tasks with one key, the last one runs, each of the others at most once;
// - 'cancelled' means that it does not run, 'done' that it has, 'running' that it has begun;
// - calls end with what their handler returned or threw, and payloads arrive as structured clone delivers them.

const { isDeepStrictEqual } = require('node:util');

const { RunLoop, TaskManager } = require('waitable-event');

const { monotonic } = require('../threads');
const { Finding, hold, outcomeOf, same, turn } = require('./finding');
const { collectGarbage } = require('./garbage');

const THREADS = 3;
/** Tasks of one producer: so many numbers are in the memory that counts how often each has run. */
const TASKS = 4000;

/** A payload, of any type that travels. */
function makePayload(dice, depth = 0) {
  const text = (size) => dice.pick(['x', 'ä', '€', '😀', '\0']).repeat(size);
  const size = () => dice.pick([0, 1, 3, 20, 100, dice.chance(0.1) ? 5000 : 7, dice.chance(0.02) ? 300_000 : 2]);
  const kinds = {
    undefined: () => undefined,
    null: () => null,
    boolean: () => dice.chance(0.5),
    integer: () => dice.below(2 ** 31) - 2 ** 30,
    double: () => dice.pick([0.5, -0, NaN, Infinity, 1e300, dice.below(1e6) / 7, 2 ** 53]),
    bigint: () => BigInt(dice.below(2 ** 31)) ** 3n,
    string: () => text(size()),
    bytes: () => new Uint8Array(size()).fill(dice.below(256)),
    floats: () => new Float64Array(dice.below(20)).fill(dice.below(1000) / 3),
    date: () => new Date(dice.below(2 ** 31)),
    regexp: () => /a+b/gi,
    error: () => new RangeError('of a payload'),
  };
  if (depth < 3) {
    const list = () => Array.from({ length: dice.below(6) }, () => makePayload(dice, depth + 1));
    kinds.array = list;
    kinds.sparse = () => Object.assign(Array(3), list());
    kinds.object = () =>
      Object.fromEntries(list().map((value, index) => [dice.pick(['a', 'key', '', '7', 'längere']) + index, value]));
    kinds.map = () => new Map(list().map((value, index) => [index, value]));
    kinds.set = () => new Set(list());
    kinds.shared = () => {
      const one = { same: true };
      return [one, one];
    };
  }
  return kinds[dice.pick(Object.keys(kinds))]();
}

/** A producer: returns what it did, and what it was told. */
async function producer({ dice, log, handle, index, operations, runs }) {
  let remote;
  try {
    remote = TaskManager.connect(handle);
  } catch (error) {
    // It was closed before this thread came to it.
    if (error.code !== 'ERR_INVALID_HANDLE') {
      throw error;
    }
    return { tasks: [], faults: [], isClosed: true };
  }
  const tasks = [];
  const open = [];
  const faults = [];
  let isClosed = false;
  const fault = (text) => {
    log.note(text);
    faults.push(text);
  };
  const attempt = (call) => {
    try {
      return call();
    } catch (error) {
      if (error.code === 'ERR_QUEUE_FULL') {
        log.note('the queue is full');
      } else if (error.code === 'ERR_TASK_MANAGER_CLOSED') {
        isClosed = true;
      } else {
        fault(`schedule(): ${error.stack}`);
      }
      return undefined;
    }
  };
  const schedule = (kind, options, name = 'task') => {
    const number = tasks.length;
    if (number >= TASKS) {
      return;
    }
    const entry = { number, kind, key: options?.key, outcome: 'none', isSuspended: false };
    log.note(`schedule ${number}: ${kind}`);
    const due = options?.delta === undefined ? undefined : monotonic() + options.delta;
    const task = attempt(() => remote.schedule(name, { index, number, due }, options));
    entry.outcome = task === undefined ? 'refused' : 'none';
    tasks.push(entry);
    if (task !== undefined && kind !== 'now') {
      open.push({ task, entry });
    }
  };
  const call = async (isSync) => {
    const what = dice.pick(['echo', 'echo', 'slow', 'fail', 'unknown']);
    const payload = what === 'echo' ? makePayload(dice) : dice.below(1000);
    log.note(`${isSync ? 'callSync' : 'call'} ${what}`);
    const [name, expected] = {
      echo: ['echo', { value: structuredClone(payload) }],
      slow: ['slow', what === 'slow' ? { value: payload + 1 } : undefined],
      fail: ['fail', { code: 'E_OWN' }],
      unknown: ['no such task', { code: 'ERR_UNKNOWN_TASK' }],
    }[what];
    let result;
    try {
      const timeout = dice.pick([undefined, 60_000]);
      result = {
        value: isSync ? remote.callSync(name, payload, { timeout }) : await remote.call(name, payload, { timeout }),
      };
    } catch (error) {
      result = { code: error.code ?? `${error.stack}` };
    }
    if (result.code === 'ERR_TASK_MANAGER_CLOSED') {
      isClosed = true;
    } else if (result.code === 'ERR_QUEUE_FULL') {
      log.note('the queue is full');
    } else if (!isDeepStrictEqual(result, expected)) {
      fault(`call ${what}: ${inspectShort(result)} instead of ${inspectShort(expected)}`);
    }
  };
  const background = [];
  const pickOpen = () => (open.length === 0 ? undefined : dice.pick(open));
  const actions = {
    now: () => schedule('now'),
    burst() {
      for (let left = dice.below(60); left > 0; left -= 1) {
        schedule('now');
      }
    },
    delta: () => schedule('later', { delta: dice.pick([-1, 0, 0.3, 1, 4]), priority: dice.pick([0, 1, -5]) }),
    when: () => schedule('later', { when: Date.now() + dice.pick([-5, 0, 1, 3]) }),
    far: () => schedule('far', { delta: 3_600_000 }),
    recurring: () => schedule('recurring', { interval: dice.pick([0.5, 1, 3]), offset: dice.below(3) }),
    keyed: () => schedule('keyed', { delta: dice.pick([0, 1, 3]), key: `${index} ${dice.below(4)}` }),
    suspend() {
      const one = pickOpen();
      if (one !== undefined) {
        log.note(`suspend ${one.entry.number}`);
        one.entry.isSuspended = true;
        attempt(() => one.task.suspend());
      }
    },
    resume() {
      const one = pickOpen();
      if (one !== undefined) {
        log.note(`resume ${one.entry.number}`);
        one.entry.isSuspended = false;
        attempt(() => one.task.resume());
      }
    },
    cancel: () => void background.push(cancel(pickOpen())),
    callSync: () => call(true),
    call: () => void background.push(call(false)),
    awaitCall: () => call(false),
    timeout: async () => {
      // It may run or not; the answer is dropped.
      try {
        await remote.call('slow', 1, { timeout: dice.pick([0, 0.2, 1]) });
      } catch (error) {
        if (!['ERR_CALL_TIMEOUT', 'ERR_TASK_MANAGER_CLOSED', 'ERR_QUEUE_FULL'].includes(error.code)) {
          fault(`call with a timeout: ${error.stack}`);
        }
      }
    },
    abort: async () => {
      const controller = new AbortController();
      const reason = new Error('aborted');
      const result = remote.call('slow', 1, { signal: controller.signal }).then(
        () => undefined,
        (error) => error,
      );
      if (dice.chance(0.5)) {
        await turn();
      }
      controller.abort(reason);
      const error = await result;
      if (
        error !== undefined &&
        error !== reason &&
        !['ERR_TASK_MANAGER_CLOSED', 'ERR_QUEUE_FULL'].includes(error.code)
      ) {
        fault(`call with a signal: ${error.stack}`);
      }
    },
    refused() {
      try {
        remote.schedule('task', () => {});
        fault('A function was scheduled');
      } catch (error) {
        if (
          error.name !== 'DataCloneError' &&
          error.code !== 'ERR_TASK_MANAGER_CLOSED' &&
          error.code !== 'ERR_QUEUE_FULL'
        ) {
          fault(`A function as payload: ${error.stack}`);
        }
      }
    },
    turn: () => turn(),
  };
  /** Schedules when the queue has room, unless the manager is closed. */
  async function untilAccepted(send) {
    try {
      await insist(send);
    } catch (error) {
      isClosed ||= error.code === 'ERR_TASK_MANAGER_CLOSED';
      if (!isClosed) {
        throw error;
      }
    }
  }
  async function cancel(one) {
    if (one === undefined) {
      return;
    }
    open.splice(open.indexOf(one), 1);
    const { entry, task } = one;
    log.note(`cancel ${entry.number}`);
    try {
      entry.outcome = await task.cancel();
      entry.runsThen = Atomics.load(runs, index * TASKS + entry.number);
      log.note(`${entry.number} is ${entry.outcome}`);
    } catch (error) {
      entry.outcome = error.code ?? `${error.stack}`;
      if (entry.outcome === 'ERR_TASK_MANAGER_CLOSED') {
        isClosed = true;
      } else if (entry.outcome !== 'ERR_QUEUE_FULL') {
        fault(`cancel(): ${error.stack}`);
      }
    }
  }

  const weights = {
    now: 10,
    burst: 4,
    delta: 10,
    when: 3,
    far: 3,
    recurring: 2,
    keyed: 6,
    suspend: 5,
    resume: 5,
    cancel: 8,
    callSync: 4,
    call: 6,
    awaitCall: 3,
    timeout: 2,
    abort: 2,
    refused: 1,
    turn: 5,
  };
  for (let left = operations; left > 0; left -= 1) {
    await actions[dice.weighted(weights)]();
    if (isClosed) {
      break;
    }
  }
  await Promise.all(background);
  // What would never end is taken back, what is suspended goes on.
  for (const one of open.slice()) {
    if (['far', 'recurring'].includes(one.entry.kind) || dice.chance(0.2)) {
      await cancel(one);
    } else {
      await untilAccepted(() => one.task.resume());
    }
  }
  // What waits for room would be dropped by close(), and may arrive after the loop was told to stop.
  await remote.drained().catch(() => {});
  if (!isClosed && dice.chance(0.5)) {
    log.note('close()');
    remote.close();
  }
  return { tasks, faults, isClosed };
}

function inspectShort(value) {
  return require('node:util').inspect(value, {
    depth: 3,
    maxStringLength: 60,
    maxArrayLength: 10,
    breakLength: Infinity,
  });
}

/** Compares what a producer was told with what ran. */
function check({ index, tasks, isClosed, runsOf, order }) {
  const newest = new Map();
  for (const entry of tasks) {
    if (entry.key !== undefined && entry.outcome !== 'refused') {
      newest.set(entry.key, entry);
    }
  }
  // Those that are due immediately keep their order; of those with one key, none runs after a later one has come.
  const before = new Map();
  for (const number of order) {
    const { kind, key } = tasks[number];
    if (kind === 'now' || kind === 'keyed') {
      const line = key ?? kind;
      const last = before.get(line) ?? -1;
      hold(number > last, () => `producer ${index}: ${number} ran after ${last}, ${line}`);
      before.set(line, number);
    }
  }
  for (const entry of tasks) {
    const { number, kind, key, outcome, runsThen } = entry;
    const runs = runsOf(number);
    const what = () => `producer ${index}, task ${number}, ${kind}, ${outcome}: ran ${runs} times`;
    if (kind !== 'recurring') {
      hold(runs <= 1, what);
    }
    if (outcome === 'refused') {
      hold(runs === 0, what);
    } else if (outcome === 'cancelled') {
      hold(kind === 'recurring' ? runs === runsThen : runs === 0, what);
    } else if (outcome === 'running') {
      hold(runs === 1, what);
    } else if (outcome === 'done') {
      hold(runs === 1 || (key !== undefined && newest.get(key) !== entry), what);
    } else if (outcome === 'none' && !isClosed && kind !== 'far' && kind !== 'recurring') {
      const isReplaced = key !== undefined && newest.get(key) !== entry;
      hold(runs === 1 || isReplaced, what);
    }
  }
}

/** Makes the manager that the producers use. Its thread counts what runs. */
class Owner {
  loop = new RunLoop();
  manager;
  orders = Array.from({ length: THREADS }, () => []);
  errors = [];

  constructor({ capacity, onFull, runs, isSync }) {
    const onError = (error) => void this.errors.push(`${error.code} ${error.stack}`);
    this.manager = new TaskManager({ loop: this.loop, capacity, onFull, onError });
    const define = (name, handler) => this.manager.define(name, handler);
    define('task', ({ index, number, due }) => {
      if (monotonic() < due) {
        this.errors.push(`Producer ${index}: ${number} ran ${due - monotonic()} ms early`);
      }
      Atomics.add(runs, index * TASKS + number, 1);
      this.orders[index].push(number);
    });
    define('echo', (payload) => payload);
    // Promises are not settled in runSync().
    define('slow', (value) => (isSync ? value + 1 : turn().then(() => value + 1)));
    define('fail', (value) => {
      throw Object.assign(new Error(`failed with ${value}`), { code: 'E_OWN' });
    });
    define('pending', () => this.manager.stats().pending);
    define('stop', () => this.loop.stop());
    define('close', () => {
      this.manager.close();
      this.loop.stop();
    });
  }

  result() {
    const { scheduled, run: ran, pending, incomplete, dropped } = this.manager.stats();
    const errors = this.errors.filter((text) => !/^(E_OWN|ERR_UNKNOWN_TASK) /.test(text));
    this.manager.close();
    return { orders: this.orders, errors, stats: { scheduled, ran, pending, incomplete, dropped } };
  }
}

/** A thread that owns the manager. */
async function owner({ log, options, port }) {
  const one = new Owner(options);
  port.postMessage(one.manager.handle);
  port.close();
  log.note(options.isSync ? 'runSync()' : 'run()');
  if (options.isSync) {
    one.loop.runSync();
  } else {
    await one.loop.run();
  }
  // The loops of earlier programs close their descriptors.
  await collectGarbage();
  return one.result();
}

/** Starts an owner, in this thread or in another one. Returns the handle, and what the owner will return. */
async function startOwner({ dice, cast, log }, options) {
  if (dice.chance(0.6)) {
    const one = new Owner({ ...options, isSync: false });
    return { handle: one.manager.handle, ended: one.loop.run().then(() => one.result()) };
  }
  const isSync = dice.chance(0.6);
  log.note(`the manager is in another thread, ${isSync ? 'runSync()' : 'run()'}`);
  const { port1, port2 } = new MessageChannel();
  const handle = new Promise((resolve) => {
    port1.once('message', resolve);
  });
  const data = { options: { ...options, isSync }, port: port2 };
  const ended = cast.play(__filename, 'owner', dice.seed(), data, [port2]);
  // Looked at in the end.
  ended.catch(() => {});
  const { value, error } = await outcomeOf(Promise.race([handle, ended]), 'the handle of the manager');
  if (error !== undefined) {
    throw error;
  }
  return { handle: value, ended };
}

/** Schedules when the queue has room. */
async function insist(schedule) {
  for (;;) {
    try {
      schedule();
      return;
    } catch (error) {
      if (error.code !== 'ERR_QUEUE_FULL') {
        throw error;
      }
      await turn();
    }
  }
}

/** Calls until no task waits for its time, then stops the loop. */
async function drain(remote) {
  const deadline = Date.now() + 40_000;
  for (;;) {
    const { value, error } = await outcomeOf(remote.call('pending'), 'a call for what is pending');
    if (error === undefined && value === 0) {
      break;
    }
    // The queue may be full, with `onFull: 'throw'`.
    hold(error === undefined || error.code === 'ERR_QUEUE_FULL', () => `pending: ${error.stack}`);
    hold(Date.now() < deadline, () => `${value} tasks are pending for 40 s`);
    await turn();
  }
}

async function run(context) {
  const { dice, log, cast, operations } = context;
  const runs = new Int32Array(new SharedArrayBuffer(4 * THREADS * TASKS));
  const options = {
    capacity: dice.pick([2, 8, 64, 4096, undefined]),
    onFull: dice.pick(['block', 'throw', undefined]),
    runs,
  };
  const closesEarly = dice.chance(0.15);
  const threads = 1 + dice.below(THREADS);
  const { capacity, onFull } = options;
  log.note(`${threads} threads, capacity ${capacity}, onFull ${onFull}, ${closesEarly ? 'closed early' : ''}`);
  const { handle, ended } = await startOwner(context, options);
  const remote = TaskManager.connect(handle);
  const producers = Array.from({ length: threads }, (_, index) =>
    cast.play(__filename, 'producer', dice.seed(), { handle, index, operations, runs }),
  );
  producers.forEach((promise) => void promise.catch(() => {}));
  if (closesEarly) {
    await turn(dice.pick([0, 1, 5, 20]));
    log.note('close the manager');
    await insist(() => remote.schedule('close')).catch((error) => {
      // The task may have closed the manager before schedule() has woken that.
      hold(error.code === 'ERR_TASK_MANAGER_CLOSED', () => `schedule() of the close: ${error.stack}`);
    });
  }
  const results = [];
  for (const promise of producers) {
    const { value, error } = await outcomeOf(promise, 'a producer', 50_000);
    if (error !== undefined) {
      throw error;
    }
    results.push(value);
  }
  log.note('the producers are through');
  if (!closesEarly) {
    await drain(remote);
    await insist(() => remote.schedule('stop'));
  }
  const { value: result, error } = await outcomeOf(ended, 'the owner');
  if (error !== undefined) {
    throw error;
  }
  remote.close();
  same(result.errors, [], 'errors of the manager');
  for (const [index, { tasks, faults, isClosed }] of results.entries()) {
    if (faults.length > 0) {
      throw new Finding(`producer ${index}: ${faults.join('\n')}`);
    }
    hold(closesEarly || !isClosed, () => `producer ${index} found the manager closed`);
    check({
      index,
      tasks,
      isClosed: isClosed || closesEarly,
      runsOf: (number) => runs[index * TASKS + number],
      order: result.orders[index].filter((number) => number < tasks.length),
    });
  }
  if (!closesEarly) {
    const { scheduled, ran, pending, incomplete, dropped } = result.stats;
    same([pending, incomplete, dropped], [0, 0, 0], 'pending, incomplete and dropped tasks');
    hold(ran <= scheduled, () => `${ran} of ${scheduled} tasks ran`);
  }
}

module.exports = { run, producer, owner };
