'use strict';
/** Measures a server whose workers send results to the main thread, which answers requests. */

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { createServer } = require('node:http');
const { join } = require('node:path');
const { parentPort } = require('node:worker_threads');

const { TaskManager, core } = require('../..');
const { bePartner, startPartner } = require('../lib/partner');

const WORKERS = 4;

/** Results that a worker sends in a millisecond: 100 000 in a second together. */
const EACH_MILLISECOND = 25;

/** Results that a worker catches up with at once when it was late. */
const MOST = 40 * EACH_MILLISECOND;

const CLIENT = join(__dirname, '../peers/http-client.js');

/** Starts the server and its client. Returns a function that measures for so many milliseconds. */
async function serve(runs, latest) {
  const server = createServer((request, response) => response.end(String(latest())));
  // A connection waits while the other contenders have their turns.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = fork(CLIENT, [String(server.address().port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  return async (milliseconds) => {
    Atomics.store(runs, 0, 1);
    Atomics.notify(runs, 0);
    client.send(milliseconds);
    const [{ each, p99 }] = await once(client, 'message');
    Atomics.store(runs, 0, 0);
    return { each: [each], p99: [p99] };
  };
}

const parts = (name) => ({ each: `${name}, time of a request`, p99: `${name}, p99 latency` });

/** Returns a contender: `listen(partner)` starts the workers with what `start()` is called with. */
function contender(name, { ours, kind, partner, prepare }) {
  return {
    name,
    ours,
    kind,
    parts: parts(name),
    async setup() {
      let sum = 0;
      const arrived = (value) => {
        sum += value;
      };
      const runs = new Int32Array(new SharedArrayBuffer(4));
      const { handle, listen } = prepare(arrived);
      for (let index = 0; index < WORKERS; index += 1) {
        const { worker } = await startPartner(__filename, partner, { runs, handle });
        listen?.(worker);
      }
      return serve(runs, () => sum);
    },
  };
}

/** Sends at a steady pace whenever the main thread measures. */
function produce(runs, send) {
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    Atomics.wait(runs, 0, 0);
    let sent = 0;
    const before = performance.now();
    while (Atomics.load(runs, 0) === 1) {
      Atomics.wait(word, 0, 0, 1);
      const late = Math.floor((performance.now() - before) * EACH_MILLISECOND) - sent;
      sent += late;
      for (let left = Math.min(late, MOST); left > 0; left -= 1) {
        send(left);
      }
    }
  }
}

module.exports = {
  title: 'A server whose workers send results',
  text:
    `${WORKERS} workers send 100 000 numbers a second to the main thread, which is an HTTP server. A client in ` +
    'another process has 32 connections, and asks as fast as it gets answers. On one core the client shares it. ' +
    'The limit is the same server, to which no worker sends anything.',
  chart: 'bars',
  // Milliseconds.
  count: ({ quick }) => (quick ? 300 : 1000),
  warmUps: 2,
  generations: 2,
  mostRounds: ({ quick }) => (quick ? 3 : 8),
  contenders: [
    contender('no results', { kind: 'limit', partner: 'none', prepare: () => ({}) }),
    contender('postMessage', {
      partner: 'post',
      prepare: (arrived) => ({ listen: (worker) => worker.on('message', arrived) }),
    }),
    contender('schedule()', {
      ours: true,
      partner: 'schedule',
      prepare(arrived) {
        core.taskManager.define('arrive', arrived);
        void core.run();
        return { handle: core.taskManager.handle };
      },
    }),
  ],
  targets: [
    { part: 'each', atLeast: 1.3 },
    { part: 'p99', atMost: 0.6 },
  ].map(({ part, atLeast, atMost }) => ({
    row: '22',
    ours: parts('schedule()')[part],
    against: parts('postMessage')[part],
    limit: parts('no results')[part],
    atLeast,
    atMost,
  })),
};

bePartner({
  none(_, ready) {
    ready();
  },
  post({ runs }, ready) {
    ready();
    produce(runs, (value) => parentPort.postMessage(value));
  },
  schedule({ runs, handle }, ready) {
    const manager = TaskManager.connect(handle);
    ready();
    produce(runs, (value) => manager.schedule('arrive', value));
  },
});
