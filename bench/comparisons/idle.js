'use strict';
/** Counts how often an idle program wakes up. */

const { readFileSync, readdirSync, readlinkSync } = require('node:fs');
const { parentPort } = require('node:worker_threads');

const { Dispatcher, FunctionTask, WaitableEvent, core } = require('../..');
const { openFifos } = require('../lib/fifos');
const { bePartner, startPartner } = require('../lib/partner');

const EVENTS = 100;
const WORKERS = 10;
const MEMBERS = 1000;
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

module.exports = {
  title: 'Idle',
  text:
    `${EVENTS} events, ${WORKERS} workers that wait for them (half of them blocked, half in waitAsync()), ` +
    `${MEMBERS} members ` +
    'and a task that is due in an hour. The figure is how often the main thread and the workers wake up. ' +
    "V8's own threads do not count.",
  show: 'count',
  chart: 'none',
  // Milliseconds to be idle.
  count: ({ idleTime }) => idleTime,
  warmUps: 0,
  generations: 1,
  mostRounds: () => 1,
  contenders: [
    {
      name: 'wake-ups',
      ours: true,
      // V8 collects garbage once or twice after a program has gone idle. The loop does not cause those wake-ups.
      flags: ['--no-memory-reducer'],
      async setup() {
        openFifos(MEMBERS).forEach((fd) => new Member(fd).addChannel(core));
        core.taskManager.installTask(new FunctionTask(() => {}), { delta: HOUR });
        const events = Array.from({ length: EVENTS }, () => new WaitableEvent());
        const threads = [threadNumber()];
        for (let index = 0; index < WORKERS; index += 1) {
          const { answer } = await startPartner(__filename, index % 2 ? 'block' : 'await', events[index].handle);
          threads.push(answer);
        }
        events.slice(WORKERS).forEach((event) => event.addChannel(core));
        const { worker } = await startPartner(__filename, 'watch', threads);
        void core.run();
        return (time) =>
          new Promise((resolve) => {
            worker.once('message', (count) => resolve([count]));
            worker.postMessage(time);
          });
      },
    },
  ],
  targets: [{ row: '13', ours: 'wake-ups', atMost: 0 }],
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
