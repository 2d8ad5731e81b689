'use strict';

// Threads that end at any moment, in any way, while they block, connect and send:
// - terminate() and exit() end them, however they block;
// - the owner's events, loop and manager go on; of each producer's tasks an unbroken beginning has run, and all that it
//   knew to have run;
// - a call of a thread that is gone is rejected;
// - no descriptor is left over.

const { readdirSync } = require('node:fs');

const { RunLoop, TaskManager, WaitableEvent, select, selectAsync } = require('waitable-event');

const { hold, outcomeOf, same, turn } = require('./finding');

const THREADS = 3;
/** The number of events that a thread does not close. */
const LEFT_OPEN = 50;
/** Words that a victim shares. */
const STARTED = 0;
const SENT = 1;
const ACKNOWLEDGED = 2;

/** Another thread sets the event: a loop that leaves it set cannot sleep, and warns. */
function addTo(loop, event) {
  event.handleRead = () => event.clear();
  event.addChannel(loop);
}

/** Ways to spend time until the end comes. None returns by itself. */
const WAYS = {
  wait: ({ event }) => event.wait(),
  'wait again': async ({ event }) => {
    for (;;) {
      event.wait(0.3);
      event.clear();
      await turn();
    }
  },
  select: ({ event }) => select([event], [], []),
  waitAsync: ({ event }) => event.waitAsync(),
  selectAsync: ({ event }) => selectAsync([event], [], []),
  iterate: async ({ event }) => {
    for await (const _ of event) {
      await turn();
    }
  },
  runSync: ({ event, loop }) => {
    addTo(loop, event);
    loop.runSync();
  },
  run: ({ event, loop }) => {
    addTo(loop, event);
    return loop.run();
  },
  send: ({ remote, shared, index }) => {
    for (let number = 0; ; number += 1) {
      remote.schedule('count', { index, number });
      Atomics.add(shared, SENT, 1);
    }
  },
  'send large': ({ remote, shared, index }) => {
    for (let number = 0; ; number += 1) {
      remote.schedule('count', { index, number, ballast: 'x'.repeat(200_000) });
      Atomics.add(shared, SENT, 1);
    }
  },
  'send and look': async ({ remote, shared, index }) => {
    for (let number = 0; ; number += 1) {
      remote.schedule('count', { index, number });
      Atomics.add(shared, SENT, 1);
      await remote.call('echo', number);
      Atomics.store(shared, ACKNOWLEDGED, number + 1);
    }
  },
  callSync: ({ remote, shared, index }) => {
    for (let number = 0; ; number += 1) {
      remote.schedule('count', { index, number });
      Atomics.add(shared, SENT, 1);
      remote.callSync('echo', number);
      Atomics.store(shared, ACKNOWLEDGED, number + 1);
    }
  },
  'callSync of what never answers': ({ remote }) => remote.callSync('never'),
  'call of what never answers': ({ remote }) => remote.call('never'),
  'calls of clones': async ({ remote }) => {
    for (;;) {
      await Promise.all([remote.call('echo', new Map([[1, new Date()]])), remote.call('echo', 'x'.repeat(100_000))]);
    }
  },
  connect: async ({ handle }) => {
    for (;;) {
      const remote = TaskManager.connect(handle);
      await remote.call('echo', 1);
      remote.close();
    }
  },
  open: async ({ eventHandle }) => {
    for (let count = 1; ; count += 1) {
      WaitableEvent.open(eventHandle).isSet();
      const event = new WaitableEvent({ set: true });
      // Some are left open for the end of the thread. As garbage, all of them could take the last descriptor.
      if (count > LEFT_OPEN) {
        event.close();
      }
      if (count % 50 === 0) {
        await turn();
      }
    }
  },
};

/**
 * What asks a thread for something in the middle of its JavaScript. The answers do not matter. (No heap snapshot: Node
 * itself crashes when the stream outlives the thread.)
 */
const INTERRUPTS = {
  // On Windows all threads write their part of a report at the same time, by dbghelp.dll, which is for one thread at a
  // time: with eight busy workers, Node alone dies of an access violation there.
  ...(process.platform === 'win32' ? {} : { 'a report': () => void process.report.getReport() }),
  'heap statistics': (worker) => void worker.getHeapStatistics?.().catch(() => {}),
  'the CPU time': (worker) => void worker.cpuUsage?.().catch(() => {}),
};

/** How a thread ends by itself. */
const ENDS = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('thrown by a victim');
  },
  reject: () => void Promise.reject(new Error('rejected by a victim')),
};

/** Ways in which the thread's event loop turns, so that it can end itself. */
const ASYNC = new Set([
  'wait again',
  'waitAsync',
  'selectAsync',
  'iterate',
  'run',
  'send and look',
  'call of what never answers',
  'calls of clones',
  'connect',
]);

async function victim({ log, handle, eventHandle, shared, index, way, end, delay }) {
  const event = WaitableEvent.open(eventHandle);
  const loop = new RunLoop();
  const remote = TaskManager.connect(handle);
  if (end !== undefined) {
    const die = () => {
      log.note(end);
      ENDS[end]();
    };
    if (delay === 0) {
      setImmediate(die);
    } else {
      setTimeout(die, delay);
    }
  }
  log.note(way);
  Atomics.store(shared, STARTED, 1);
  await WAYS[way]({ event, eventHandle, handle, loop, remote, shared, index });
  // A wait that is over leaves nothing to do: an interval keeps the thread alive until its end.
  setInterval(() => {}, 1000);
  await new Promise(() => {});
}

/** A thread that owns what the others use, and dies with it. */
async function owner({ log, shared, channel, way }) {
  const event = new WaitableEvent();
  const manager = new TaskManager({ loop: new RunLoop() });
  manager.define('never', () => new Promise(() => {}));
  channel.postMessage({ manager: manager.handle, event: event.handle });
  log.note(`owner: ${way}`);
  Atomics.store(shared, STARTED, 1);
  if (way === 'wait') {
    event.wait();
  } else if (way === 'spin') {
    for (;;);
  }
  setInterval(() => event.isSet(), 1000);
  await new Promise(() => {});
}

const ROUNDS = {
  /** Several threads use this one's event and manager, and end. */
  async victims(context) {
    const { dice, log, cast } = context;
    const capacity = dice.pick([2, 64, undefined]);
    const loop = new RunLoop();
    const errors = [];
    const manager = new TaskManager({ loop, capacity, onError: (error) => errors.push(error) });
    const event = new WaitableEvent();
    const next = [];
    manager.define('count', ({ index, number }) => {
      same(number, next[index], `the next task of victim ${index}`);
      next[index] = number + 1;
    });
    manager.define('echo', (value) => value);
    manager.define('never', () => new Promise(() => {}));
    const running = loop.run();
    const victims = Array.from({ length: 1 + dice.below(THREADS) }, (_, index) => {
      const way = dice.pick(Object.keys(WAYS));
      const end = ASYNC.has(way) && dice.chance(0.5) ? dice.pick(Object.keys(ENDS)) : undefined;
      const shared = new Int32Array(new SharedArrayBuffer(16));
      next[index] = 0;
      log.note(`victim ${index}: ${way}, ${end ?? 'terminate()'}`);
      const data = {
        handle: manager.handle,
        eventHandle: event.handle,
        shared,
        index,
        way,
        end,
        delay: dice.below(12),
      };
      const actor = cast.spawn(__filename, 'victim', dice.seed(), data);
      actor.ended().catch(() => {});
      return { actor, shared, way, end, index };
    });
    for (const { actor, shared, way, end, index } of victims) {
      // Before it has begun, or at any time later.
      if (end === undefined && dice.chance(0.8)) {
        const deadline = Date.now() + 40_000;
        while (Atomics.load(shared, STARTED) === 0) {
          hold(
            Date.now() < deadline && actor.error === undefined,
            () => `${way} does not begin: ${actor.error?.stack}`,
          );
          await turn();
        }
        await turn(dice.pick([undefined, undefined, 0, 1, 3, 10]));
      }
      if (dice.chance(0.2)) {
        event.set();
      }
      if (dice.chance(0.2)) {
        const how = dice.pick(Object.keys(INTERRUPTS));
        log.note(`${how} of ${index}`);
        INTERRUPTS[how](actor.worker);
        await turn(dice.pick([undefined, 1, 10]));
      }
      if (end === undefined || dice.chance(0.1)) {
        log.note(`terminate ${index}`);
        const { code } = await outcomeOf(actor.worker.terminate(), `terminate() of a thread in ${way}`);
        same(code, undefined, 'terminate()');
      }
      await outcomeOf(actor.exit, `the end of a thread in ${way} by ${end ?? 'terminate()'}`);
      log.note(`victim ${index} is gone`);
      if (actor.error !== undefined && !actor.error.message.endsWith('by a victim')) {
        throw actor.error;
      }
      cast.dismiss(actor);
    }
    // The owner goes on: a thread that lives is served.
    event.clear();
    same(
      await cast.play(__filename, 'survivor', dice.seed(), { handle: manager.handle, eventHandle: event.handle }),
      42,
      'a call',
    );
    same(event.isSet(), true, 'the event, set by another thread');
    const deadline = Date.now() + 30_000;
    while (manager.stats().pending > 0) {
      hold(Date.now() < deadline, () => `${manager.stats().pending} tasks are pending`);
      await turn();
    }
    for (const { shared, index, way } of victims) {
      const known = Atomics.load(shared, ACKNOWLEDGED);
      const sent = Atomics.load(shared, SENT);
      hold(next[index] >= known, () => `${way}: ${next[index]} have run, ${known} were known to have`);
      // Counted after it was sent: the last one may be missing in the count.
      hold(next[index] <= sent + 1, () => `${way}: ${next[index]} have run of ${sent}`);
    }
    same(errors, [], 'errors of the manager');
    const { dropped, pending } = manager.stats();
    same([dropped, pending], [0, 0], 'dropped and pending tasks');
    loop.stop();
    await outcomeOf(running, 'run() after stop()');
    manager.close();
    event.close();
  },

  /** A thread that owns an event and a manager ends while this one waits for it. */
  async owner(context) {
    const { dice, log, cast } = context;
    const shared = new Int32Array(new SharedArrayBuffer(16));
    const way = dice.pick(['wait', 'spin', 'turn']);
    const { port1, port2 } = new MessageChannel();
    const handles = new Promise((resolve) => {
      port1.once('message', resolve);
    });
    const actor = cast.spawn(__filename, 'owner', dice.seed(), { shared, way, channel: port2 }, [port2]);
    actor.ended().catch(() => {});
    const { value } = await outcomeOf(handles, 'the handles of an owner');
    log.note(`owner: ${way}`);
    const remote = TaskManager.connect(value.manager);
    const event = WaitableEvent.open(value.event);
    const calls = Array.from({ length: 1 + dice.below(5) }, () =>
      remote.call('never', dice.pick([1, 'x'.repeat(1e5)])),
    );
    calls.forEach((promise) => void promise.catch(() => {}));
    for (let count = dice.below(20); count > 0; count -= 1) {
      remote.schedule('never', count);
    }
    await turn(dice.pick([undefined, 0, 1, 5]));
    log.note('terminate');
    await outcomeOf(actor.worker.terminate(), `terminate() of an owner, ${way}`);
    for (const promise of calls) {
      const { code } = await outcomeOf(promise, 'a call of a manager whose thread has ended');
      same(code, 'ERR_TASK_MANAGER_CLOSED', 'a call of a manager whose thread has ended');
    }
    const { code } = await outcomeOf(remote.call('never'), 'a call after the end');
    same(code, 'ERR_TASK_MANAGER_CLOSED', 'a call after the end');
    // This thread has the event open: it lives.
    same(event.wait(0), false, 'the event');
    event.set();
    same(await event.waitAsync(), true, 'the event, set');
    event.close();
    remote.close();
    port1.close();
    cast.dismiss(actor);
  },
};

async function survivor({ handle, eventHandle }) {
  const remote = TaskManager.connect(handle);
  WaitableEvent.open(eventHandle).set();
  const result = await remote.call('echo', 42);
  remote.close();
  return result;
}

async function run(context) {
  const { dice, log, operations } = context;
  for (let index = 0; index < operations; index += 1) {
    const round = dice.weighted({ victims: 4, owner: 1 });
    log.note(`round: ${round}`);
    await ROUNDS[round](context);
  }
  if (process.platform === 'win32') return;
  log.note(`${readdirSync('/proc/self/task').length} threads, ${readdirSync('/proc/self/fd').length} descriptors`);
}

module.exports = { run, victim, owner, survivor };
