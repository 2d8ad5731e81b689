'use strict';
/** Measures what each connection, event, member and task takes, by their number. */

const { MessageChannel } = require('node:worker_threads');

const { FileDispatcher, FunctionTask, TaskManager, WaitableEvent, core } = require('../..');
const { mostDescriptors } = require('../lib/environment');
const { openFifos } = require('../lib/fifos');
const { Skipped } = require('../lib/skipped');

/** Descriptors that a process has otherwise. */
const OTHERS = 100;

/** Milliseconds until the tasks would be due: never, here. */
const FAR = 3_600_000;

/** How many there are of what takes much, some and little. */
const [TENS, HUNDREDS, THOUSANDS] = [
  [10, 100, 1000],
  [100, 1000, 9000],
  [1000, 10_000, 100_000, 1_000_000],
];

/** A FIFO that a loop watches. */
class Member extends FileDispatcher {
  writable() {
    return false;
  }
}

/** What is made: how many descriptors each takes, what is there before, how one is made, and what settles them all. */
const KINDS = {
  connection: {
    numbers: TENS,
    ours: true,
    descriptors: 4,
    prepare() {
      // Its loop reads the introductions.
      core.taskManager.define('arrive', () => undefined);
      void core.run();
    },
    make: () => TaskManager.connect(core.taskManager.handle),
    // The manager has made its end of all of them when each has had a task run.
    settle: (connections) => Promise.all(connections.map((connection) => connection.call('arrive'))),
  },
  MessageChannel: { numbers: TENS, descriptors: 0, make: () => new MessageChannel() },
  event: { numbers: HUNDREDS, ours: true, descriptors: 2, make: () => new WaitableEvent() },
  member: {
    numbers: HUNDREDS,
    ours: true,
    descriptors: 2,
    prepare: openFifos,
    make(index, fifos) {
      const member = new Member(fifos[index]);
      member.addChannel(core);
      return member;
    },
  },
  task: {
    numbers: THOUSANDS,
    ours: true,
    descriptors: 0,
    make() {
      const task = new FunctionTask(() => undefined);
      task.installTask({ delta: FAR });
      return task;
    },
  },
  setTimeout: { numbers: THOUSANDS, descriptors: 0, make: () => setTimeout(() => undefined, FAR) },
};

/** Returns the bytes of resident memory for each of `number` objects of a kind. */
async function memoryOf({ prepare, make, settle }, number) {
  const given = prepare?.(number);
  // What is loaded and compiled at the first one is not counted, nor is what the first collections release.
  const first = [make(0, given)];
  await settle?.(first);
  globalThis.gc();
  const before = process.memoryUsage.rss();
  const all = [];
  for (let index = 1; index < number; index += 1) {
    all.push(make(index, given));
  }
  await settle?.(all);
  globalThis.gc();
  const grown = process.memoryUsage.rss() - before;
  // They live until here.
  return [Math.max(0, grown) / all.push(...first)];
}

/** Returns a contender that measures once in its life, in fresh memory. */
function contender(name, kind, number) {
  return {
    name: `${name}, ${number}`,
    x: number,
    ours: kind.ours,
    flags: ['--expose-gc'],
    setup() {
      const [most, needed] = [mostDescriptors(), kind.descriptors * number + OTHERS];
      if (needed > most) {
        throw new Skipped(`it needs ${needed} descriptors, and \`ulimit -n\` says ${most}`);
      }
      return () => memoryOf(kind, number);
    },
  };
}

module.exports = {
  title: 'Memory of each connection, event, member and task',
  text:
    'The resident memory of each, by their number, after the first one. A connection counts with both of its ends, ' +
    'when a task has gone through it. Pipes of the kernel come on top.',
  show: 'bytes',
  chart: 'scaling',
  axis: 'number',
  count: () => 1,
  warmUps: 0,
  generations: 3,
  mostRounds: () => 1,
  contenders: Object.entries(KINDS).flatMap(([name, kind]) =>
    kind.numbers.map((number) => contender(name, kind, number)),
  ),
  targets: [
    { row: '35', ours: 'task, 1000000', against: 'setTimeout, 1000000', atMost: 1 },
    { row: '35', ours: 'event, 9000', atMost: 3e3 },
  ],
};
