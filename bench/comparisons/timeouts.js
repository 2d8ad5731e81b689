'use strict';
/** Measures time-outs of connections that each packet moves: they hardly ever become due. */

const { FunctionTask, core } = require('../..');

const CONNECTIONS = 100_000;

/** Milliseconds without a packet after which a connection would be closed. */
const TIMEOUT = 60_000;

/** Returns the nanoseconds of a move, of which there are `count` at random connections. */
function moveAll(count, timers, move) {
  const connections = Uint32Array.from({ length: count }, () => Math.random() * CONNECTIONS);
  const before = performance.now();
  for (let index = 0; index < count; index += 1) {
    move(timers, connections[index]);
  }
  return [((performance.now() - before) * 1e6) / count];
}

const onTimeout = () => {};

/** Returns a contender: `open()` makes the timer of a connection, and `move(timers, index)` moves one. */
function contender(name, { open, move, ours, kind }) {
  return {
    name,
    ours,
    kind,
    setup() {
      if (ours) {
        void core.run();
      }
      const timers = Array.from({ length: CONNECTIONS }, open);
      return (count) => moveAll(count, timers, move);
    },
  };
}

const setOne = () => setTimeout(onTimeout, TIMEOUT);

/**
 * What a program may do that looks at a connection only when its first time-out would have been due: a reading of the
 * clock, and a store. It has no order of what is due, and cannot be made shorter.
 */
class Due {
  at = 0;

  move() {
    this.at = performance.now() + TIMEOUT;
  }
}

function installOne() {
  const task = new FunctionTask(onTimeout);
  task.installTask({ delta: TIMEOUT });
  return task;
}

module.exports = {
  title: 'Time-outs that each packet moves',
  text:
    `${CONNECTIONS} connections have a time-out of a minute, and packets of random connections move it. ` +
    'The figure is the time of a move. setTimeout knows whole milliseconds, and keeps one list for each length. ' +
    'The limit reads the clock, and stores when a connection is due.',
  chart: 'bars',
  // A million in a round, as a busy server has in some seconds.
  count: ({ quick }) => (quick ? 200_000 : 1_000_000),
  warmUps: 2,
  mostRounds: ({ quick }) => (quick ? 3 : 9),
  contenders: [
    contender('a clock, a store', {
      kind: 'limit',
      open: () => new Due(),
      move: (timers, index) => timers[index].move(),
    }),
    contender('clearTimeout + setTimeout', {
      open: setOne,
      move(timers, index) {
        clearTimeout(timers[index]);
        timers[index] = setOne();
      },
    }),
    contender('timer.refresh()', { open: setOne, move: (timers, index) => timers[index].refresh() }),
    contender('installTask() again', {
      ours: true,
      open: installOne,
      move: (timers, index) => timers[index].installTask({ delta: TIMEOUT }),
    }),
  ],
  targets: [
    { against: 'timer.refresh()', atLeast: 1 },
    { against: 'clearTimeout + setTimeout', atLeast: 4 },
  ].map(({ against, atLeast }) => ({
    row: '19',
    ours: 'installTask() again',
    against,
    atLeast,
    limit: 'a clock, a store',
  })),
};
