'use strict';
/** What the comparisons of a thread's own tasks have in common. */

const { FunctionTask } = require('../..');

/** Returns a function that returns random times below `most`: the same ones for all contenders. */
function randomTimes(most) {
  let seed = 1;
  return () => {
    // Numerical Recipes' linear congruential generator.
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (seed / 2 ** 32) * most;
  };
}

/** Installs a task in the manner of `setTimeout()`, and returns it. */
function installTask(fn, delta) {
  const task = new FunctionTask(fn);
  task.installTask({ delta });
  return task;
}

module.exports = { installTask, randomTimes };
