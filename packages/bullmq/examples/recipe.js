'use strict';
// The recipe: BullMQ's own Queue and Worker, and handlers of waitable-event. For a plain job queue this is enough.
//   REDIS_URL=redis://localhost node examples/recipe.js

const { Queue, QueueEvents, Worker } = require('bullmq');
const { TaskManager, core } = require('waitable-event');

async function main() {
  const connection = { url: process.env.REDIS_URL };
  core.taskManager.define('resize', ({ width }) => `resized to ${width}`);
  void core.run();

  const remote = TaskManager.connect(core.taskManager.handle); // or the handle of a worker thread's manager
  const worker = new Worker('images', (job, _token, signal) => remote.call(job.name, job.data, { signal }), {
    connection,
    concurrency: 64,
  });

  const queue = new Queue('images', { connection }); // on any machine
  const events = new QueueEvents('images', { connection });
  const job = await queue.add('resize', { width: 640 }, { delay: 250 });
  console.log(await job.waitUntilFinished(events, 30_000));

  await Promise.all([worker.close(), queue.close(), events.close()]);
  remote.close();
  core.stop();
}

void main();
