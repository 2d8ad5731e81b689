'use strict';
/**
 * Queues on a Redis that each contender starts: BullMQ alone, and packages/bullmq. `open(handler)` resolves with
 * `schedule(payload, delta)` and `call(payload)`; the handler gets the payload.
 */

const { createRequire } = require('node:module');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const { Skipped } = require('./skipped');

const folder = join(__dirname, '../../packages/bullmq');
/** Where `waitable-event` is this tree, and BullMQ the version that the package is tested with. */
const requireThere = createRequire(join(folder, 'package.json'));

const QUEUE = 'bench';
const TASK = 'task';
/** The default of the package, for both. */
const CONCURRENCY = 64;

/** Starts a Redis with its default settings and an append-only file. It ends with this process. */
async function startRedis() {
  const { findRedis } = await import(pathToFileURL(join(folder, 'support/find-servers.mjs')));
  let command;
  try {
    command = findRedis();
  } catch (error) {
    throw new Skipped(`there is no Redis: ${error.message}`);
  }
  const { RedisServer } = requireThere('./support/servers.js');
  return new RedisServer(command, { appendonly: 'yes' }).start();
}

/** BullMQ's own Queue, Worker and QueueEvents. */
async function openAlone(handler) {
  const { Queue, QueueEvents, Worker } = requireThere('bullmq');
  const { url } = await startRedis();
  const options = { connection: { url } };
  const queue = new Queue(QUEUE, options);
  const events = new QueueEvents(QUEUE, options);
  const worker = new Worker(QUEUE, async ({ data }) => handler(data), { ...options, concurrency: CONCURRENCY });
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
  const removeOnComplete = { count: 1000, age: 3600 };
  return {
    schedule: (payload, delay = 0) => queue.add(TASK, payload, { delay: Math.ceil(delay), removeOnComplete }),
    async call(payload) {
      const job = await queue.add(TASK, payload, { removeOnComplete });
      return job.waitUntilFinished(events);
    },
  };
}

/** The package. */
async function openOurs(handler) {
  const { core } = requireThere('waitable-event');
  const { ClusterTaskManager } = requireThere('./lib');
  const { url } = await startRedis();
  core.taskManager.define(TASK, handler);
  void core.run();
  const cluster = await ClusterTaskManager.join(core.taskManager, { queue: QUEUE, connection: url });
  return {
    schedule: (payload, delta) => cluster.schedule(TASK, payload, { delta }),
    call: (payload) => cluster.call(TASK, payload),
  };
}

/** The two contenders. */
const queues = [
  { name: 'BullMQ', open: openAlone },
  { name: 'waitable-event-bullmq', ours: true, open: openOurs },
];

module.exports = { queues };
