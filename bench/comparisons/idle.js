'use strict';
/** Counts how often an idle program wakes up. */

const { readFileSync, readdirSync, readlinkSync } = require('node:fs');
const { parentPort } = require('node:worker_threads');

const { Dispatcher, FunctionTask, RunLoop, WaitableEvent, core } = require('../..');
const { openFifos } = require('../lib/fifos');
const { bePartner, startPartner } = require('../lib/partner');

const EVENTS = 100;
const WORKERS = 10;
const MEMBERS = 1000;
const LOOPS = 100;
const HOUR = 3_600_000;

/** Milliseconds until everything that a start causes is over. */
const SETTLE = 2000;

class Member extends Dispatcher {
  constructor(fd) {
    super();
    this.fd = fd;
  }

  fileno() {
    return this.fd;
  }

  writable() {
    return false;
  }
}

/** Returns the calling thread's number in the kernel. */
function threadNumber() {
  return readlinkSync('/proc/thread-self').split('/').at(-1);
}

/** Returns whether a thread is the one that wakes Node's event loop if libuv is not used for that. */
function isDriver(thread) {
  return readFileSync(`/proc/self/task/${thread}/comm`, 'latin1') === 'waitable-event\n';
}

/** Returns how often a thread has gone to sleep so far. */
function sleeps(thread) {
  const status = readFileSync(`/proc/self/task/${thread}/status`, 'latin1');
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)[1]);
}

/** Blocks the thread that counts, and adds nothing to the counts of the others. */
function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Returns a contender. `wayOf(index)` says how a worker waits: it blocks, or awaits. */
function idle(name, wayOf, env) {
  return {
    name,
    ours: true,
    // V8 collects garbage once or twice after a program has gone idle. The loop does not cause those wake-ups.
    flags: ['--no-memory-reducer'],
    env,
    async setup() {
      const loops = [core, ...Array.from({ length: LOOPS - 1 }, () => new RunLoop())];
      openFifos(MEMBERS).forEach((fd, index) => new Member(fd).addChannel(loops[index % LOOPS]));
      core.taskManager.installTask(new FunctionTask(() => {}), { delta: HOUR });
      const events = Array.from({ length: EVENTS }, () => new WaitableEvent());
      const threads = [threadNumber()];
      for (let index = 0; index < WORKERS; index += 1) {
        const { answer } = await startPartner(__filename, wayOf(index), events[index].handle);
        threads.push(answer);
      }
      events.slice(WORKERS).forEach((event, index) => event.addChannel(loops[index % LOOPS]));
      const { worker } = await startPartner(__filename, 'watch', threads);
      loops.forEach((loop) => void loop.run());
      return (time) =>
        new Promise((resolve) => {
          worker.once('message', (count) => resolve([count]));
          worker.postMessage(time);
        });
    },
  };
}

module.exports = {
  title: 'Idle',
  text:
    `${LOOPS} loops with ${MEMBERS} members, ${EVENTS} events, ${WORKERS} workers that wait for some of them, ` +
    'and a task that is due in an hour. The figure is how often the main thread and the workers wake up. ' +
    'Half of the workers are blocked, and half are in waitAsync(). Where a thread wakes the loop, all of them are in ' +
    "waitAsync(), and that thread counts, too. V8's own threads do not count.",
  show: 'count',
  chart: 'none',
  // Milliseconds to be idle.
  count: ({ idleTime }) => idleTime,
  warmUps: 0,
  generations: 1,
  mostRounds: () => 1,
  contenders: [
    idle('wake-ups', (index) => (index % 2 ? 'block' : 'await')),
    idle('wake-ups, thread driver', () => 'await', { WAITABLE_EVENT_DRIVER: 'thread' }),
  ],
  targets: [
    { row: '13', ours: 'wake-ups', atMost: 0 },
    { row: '27', ours: 'wake-ups', atMost: 0 },
    { row: '27', ours: 'wake-ups, thread driver', atMost: 0 },
  ],
};

bePartner({
  block(handle, ready) {
    const event = WaitableEvent.open(handle);
    ready(threadNumber());
    event.wait();
  },
  await(handle, ready) {
    const event = WaitableEvent.open(handle);
    ready(threadNumber());
    return event.waitAsync();
  },
  watch(users, ready) {
    const threads = [...users, ...readdirSync('/proc/self/task').filter(isDriver)];
    const all = () => threads.reduce((sum, thread) => sum + sleeps(thread), 0);
    parentPort.on('message', (time) => {
      sleep(SETTLE);
      const before = all();
      sleep(time);
      parentPort.postMessage(all() - before);
    });
    ready();
  },
});
