'use strict';
/** Compares a thread's own tasks at random times: installed and run, or installed and suspended. */

const { core } = require('../..');
const { installTask, randomTimes } = require('../lib/own-tasks');
const { bacpypes } = require('../lib/programs');

/** Milliseconds until all tasks that run are due. Installing them takes longer, so that no time is slept. */
const spread = (count) => count / 1e4;

/** Milliseconds of the span in which suspended tasks would be due. It begins long after they are suspended. */
const FAR = 60_000;

/** Returns the nanoseconds since `before`, for each of `count`. */
function eachSince(before, count) {
  return [((performance.now() - before) * 1e6) / count];
}

/** Installs `count` tasks, and resolves when the last one has run. `run` starts them if nothing else does. */
function runAll(count, install, run = () => {}) {
  const times = Array.from({ length: count }, randomTimes(spread(count)));
  return new Promise((resolve) => {
    const before = performance.now();
    let left = count;
    const fn = () => {
      left -= 1;
      if (left === 0) {
        resolve(eachSince(before, count));
      }
    };
    for (let index = 0; index < count; index += 1) {
      install(fn, times[index]);
    }
    run();
  });
}

/** Times suspending `count` tasks in the order of their installation: at random places of the schedule. */
function suspendAll(count, install, suspend) {
  const times = Array.from({ length: count }, randomTimes(FAR));
  const installed = times.map((time) => install(() => {}, FAR + time));
  globalThis.gc();
  const before = performance.now();
  for (let index = 0; index < count; index += 1) {
    suspend(installed[index]);
  }
  return eachSince(before, count);
}

class LeastTask {
  constructor(fn, slot) {
    this.fn = fn;
    this.slot = slot;
    this.priority = 0;
  }

  run() {
    this.fn();
  }
}

/**
 * Runs the limit: a small object for each task, the clock, one sort, and the calls. Its tasks cannot be moved, fail, be
 * counted or keep a context.
 */
function runLeast(count) {
  const tasks = Array.from({ length: count });
  // Sorted as numbers: the time in units of 100 ns, and the number of the task in the remaining bits of the double.
  const keys = new Float64Array(count);
  const [origin, places] = [performance.now(), 2 ** 20];
  let next = 0;
  const install = (fn, delta) => {
    tasks[next] = new LeastTask(fn, next);
    keys[next] = Math.floor((performance.now() - origin + delta) * 1e4) * places + next;
    next += 1;
  };
  const run = () => {
    keys.sort();
    for (const key of keys) {
      tasks[key % places].run();
    }
  };
  return runAll(count, install, run);
}

/** Exposes gc(): what installing leaves behind is collected before suspending is timed. */
const flags = ['--expose-gc'];

const limit = 'objects, one sort, calls';

const contenders = [
  { name: limit, kind: 'limit', setup: () => runLeast },
  { name: 'setTimeout', setup: () => (count) => runAll(count, setTimeout) },
  {
    name: 'installTask()',
    ours: true,
    setup() {
      void core.run();
      return (count) => runAll(count, installTask);
    },
  },
  {
    name: 'schedule(), by name',
    ours: true,
    setup() {
      void core.run();
      let run;
      core.taskManager.define('run', () => run());
      return (count) =>
        runAll(count, (fn, delta) => {
          run = fn;
          core.taskManager.schedule('run', 42, { delta });
        });
    },
  },
  { name: 'clearTimeout', flags, setup: () => (count) => suspendAll(count, setTimeout, clearTimeout) },
  {
    name: 'suspendTask()',
    ours: true,
    flags,
    setup() {
      void core.run();
      return (count) => suspendAll(count, installTask, (task) => task.suspendTask());
    },
  },
  // A thousandth: BACpypes searches a list to suspend a task, and runs one task a pass.
  bacpypes('BACpypes, install_task()', 'tasks', 1e-3),
  bacpypes('BACpypes, suspend_task()', 'suspend', 1e-3),
];

module.exports = {
  title: 'Tasks of a thread itself',
  text:
    'A million tasks with random due times: the time from the first install to the last run, ' +
    'and the time to suspend all. The quick run has 100 000 tasks, BACpypes a thousandth. ' +
    'The limit makes small objects, sorts them once and calls them.',
  chart: 'bars',
  count: ({ quick }) => (quick ? 100_000 : 1_000_000),
  warmUps: 2,
  generations: 2,
  mostRounds: ({ quick }) => (quick ? 5 : 6),
  contenders,
  targets: [
    { row: '10', ours: 'installTask()', against: 'setTimeout', atLeast: 3, limit },
    { row: '20', ours: 'installTask()', against: 'setTimeout', atLeast: 2, limit },
    { row: '20', ours: 'schedule(), by name', against: 'setTimeout', atLeast: 2, limit },
    { row: '10', ours: 'suspendTask()', against: 'clearTimeout', atLeast: 3 },
  ],
};
