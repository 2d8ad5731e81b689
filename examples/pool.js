// Counts the primes below a number, in a pool of workers. A synchronous program would use `readySync()` and
// `callSync()` of a TaskWorker.
//
//   node examples/pool.js 200000
'use strict';

require('./support/help')(__filename);
const { isMainThread } = require('node:worker_threads');
const { TaskPool, serve } = require('waitable-event/pool');

const isPrime = (value) => {
  for (let divisor = 2; divisor * divisor <= value; divisor += 1) {
    if (value % divisor === 0) {
      return false;
    }
  }
  return value > 1;
};

async function main(limit, step = 10_000) {
  const pool = new TaskPool(__filename, { size: 2 });
  const starts = Array.from({ length: Math.ceil(limit / step) }, (_, index) => index * step);
  const counts = await Promise.all(starts.map((from) => pool.run('count', [from, Math.min(from + step, limit)])));
  console.log(
    '%d primes below %d',
    counts.reduce((sum, count) => sum + count, 0),
    limit,
  );
  await pool.close();
}

if (isMainThread) {
  main(Number(process.argv[2] ?? 200_000));
} else {
  serve({
    count: ([from, to]) => Array.from({ length: to - from }, (_, index) => from + index).filter(isPrime).length,
  });
}
