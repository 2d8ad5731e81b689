'use strict';
/**
 * What members on which nothing happens cost a loop. Prints, for run() and runSync():
 *
 * - the time for an event of a loop with 20 members and of one with 10 000, of which 10 are active in both. They are
 *   measured in turn; the figures are medians. Wanted: a ratio of at most 1.5.
 * - how often the threads of a process with an idle loop (1000 members and a task that is far away) wake up. Wanted:
 *   the loop's own thread, never.
 *
 *   taskset -c 0 node bench/members.js [cost|idle] [seconds]
 *
 * Needs `ulimit -n 11000`. With WAITABLE_EVENT_DRIVER=thread it measures the driver that works without libuv.
 */

const { execFileSync, spawnSync } = require('node:child_process');
const {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  writeSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

const { Dispatcher, FunctionTask, RunLoop } = require('waitable-event');

const ACTIVE = 10;
const SIZES = [20, 10_000];
const ROUNDS = 21;
const EVENTS = 50_000;
const IDLE_MEMBERS = 1000;
/** V8 collects garbage once or twice when a program has gone idle: wake-ups that are not the loop's. */
const QUIET = '--no-memory-reducer';
const ONE = Buffer.alloc(1);

/** One end of a FIFO, both to read and to write: a single descriptor. */
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

  close() {
    super.close();
    closeSync(this.fd);
  }
}

/** Takes its byte and puts it back, so that it is ready again in the next pass. */
class Active extends Member {
  handleRead() {
    readSync(this.fd, ONE, 0, 1, null);
    writeSync(this.fd, ONE);
    count(this);
  }
}

let left = 0;
let running;

function count() {
  left -= 1;
  if (left === 0) {
    running.stop();
  }
}

/** So many FIFOs, each open once. */
function openFifos(number) {
  const directory = mkdtempSync(join(tmpdir(), 'members-'));
  const paths = Array.from({ length: number }, (_, index) => join(directory, String(index)));
  for (let start = 0; start < number; start += 1000) {
    execFileSync('mkfifo', paths.slice(start, start + 1000));
  }
  const fds = paths.map((path) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
  rmSync(directory, { recursive: true });
  return fds;
}

/** A loop with `size` members, the active ones evenly among them. */
function makeLoop(size) {
  const loop = new RunLoop();
  openFifos(size).forEach((fd, index) => {
    if (index % (size / ACTIVE) === 0) {
      new Active(fd).addChannel(loop);
      writeSync(fd, ONE);
    } else {
      new Member(fd).addChannel(loop);
    }
  });
  return loop;
}

/** Microseconds since `before`, in milliseconds. */
function since(before) {
  return (performance.now() - before) * 1e3;
}

/** Microseconds for an event. */
async function measure(loop, way) {
  running = loop;
  left = EVENTS;
  const before = performance.now();
  await loop[way]();
  return since(before) / EVENTS;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function compareCosts() {
  const loops = SIZES.map(makeLoop);
  for (const way of ['run', 'runSync']) {
    const times = SIZES.map(() => []);
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [index, loop] of loops.entries()) {
        const time = await measure(loop, way);
        // The first round warms up.
        if (round > 0) {
          times[index].push(time);
        }
      }
    }
    const medians = times.map(median);
    const figures = medians.map((time, index) => `${SIZES[index]} members ${time.toFixed(3)} µs`).join(', ');
    const ratio = (medians[1] / medians[0]).toFixed(2);
    console.log(`${way}(): ${figures} an event, ${ACTIVE} active, median of ${ROUNDS}: ratio ${ratio}`);
  }
}

/** The wake-ups of each thread so far, by its number. */
function wakeUps() {
  const threads = new Map();
  for (const tid of readdirSync('/proc/self/task')) {
    const status = readFileSync(`/proc/self/task/${tid}/status`, 'latin1');
    const name = /^Name:\s*(.*)/m.exec(status)[1];
    threads.set(tid, { name, count: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)[1]) });
  }
  return threads;
}

async function stayIdle(seconds) {
  for (const way of ['run', 'runSync']) {
    const loop = new RunLoop();
    const members = openFifos(IDLE_MEMBERS).map((fd) => new Member(fd));
    members.forEach((member) => member.addChannel(loop));
    const task = new FunctionTask(() => {});
    loop.taskManager.installTask(task, { delta: 3_600_000 });
    const watcher = new Worker(__filename, { workerData: { handle: loop.handle, way, seconds } });
    const gone = new Promise((resolve) => watcher.once('exit', resolve));
    await new Promise((resolve) => watcher.once('online', resolve));
    await loop[way]();
    task.suspendTask();
    members.forEach((member) => member.close());
    await gone;
  }
}

/** Blocks this thread. */
function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** In a worker: looks at the threads, before and after. */
function watch({ handle, way, seconds }) {
  // Until everything that a start sets off is over.
  sleep(3000);
  const before = wakeUps();
  sleep(seconds * 1000);
  const after = wakeUps();
  const others = [];
  const own = String(process.pid);
  for (const [tid, { name, count: number }] of after) {
    const woken = number - (before.get(tid)?.count ?? 0);
    if (tid !== own && woken > 0) {
      others.push(`${name} ${woken}`);
    }
  }
  const woken = after.get(own).count - before.get(own).count;
  // Without the event loop of the main thread, which stands still in runSync().
  writeSync(
    1,
    `${way}(): ${IDLE_MEMBERS} members, a task in an hour: ${woken} wake-ups of its thread in ${seconds} s\n`,
  );
  // This thread itself, and V8's.
  writeSync(1, `  other threads: ${others.join(', ') || 'none'}\n`);
  RunLoop.connect(handle).stop();
}

async function main() {
  const [what = 'all', seconds = '10'] = process.argv.slice(2);
  if (what !== 'idle') {
    await compareCosts();
  }
  if (what !== 'cost') {
    if (process.execArgv.includes(QUIET)) {
      await stayIdle(Number(seconds));
    } else {
      spawnSync(process.execPath, [QUIET, __filename, 'idle', seconds], { stdio: 'inherit' });
    }
  }
}

if (isMainThread) {
  void main();
} else {
  watch(workerData);
}
