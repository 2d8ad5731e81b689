'use strict';
// A producer or a worker of the main job.

const { createHash } = require('node:crypto');
const { createReadStream, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { pipeline } = require('node:stream/promises');
const { core } = require('waitable-event');
const { ClusterTaskManager } = require('waitable-event-bullmq');

const [connection, role, directory] = process.argv.slice(2);

/** Yields the files below a directory. */
function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

async function produce() {
  const cluster = await ClusterTaskManager.join(core.taskManager, { queue: 'files', connection, work: false });
  // sha256sum writes the names of such files in another way.
  const files = [...filesBelow(directory)].filter((path) => !/[\\\n\r]/.test(path));
  for (let from = 0; from < files.length; from += 500) {
    const part = files.slice(from, from + 500);
    await cluster.scheduleAll(part.map((path, i) => ({ name: 'hash', payload: { path, index: from + i } })));
  }
  process.send({ files: files.length });
  await cluster.close();
  process.disconnect();
}

async function work() {
  const lines = await ClusterTaskManager.join(core.taskManager, { queue: 'lines', connection, work: false });
  core.taskManager.define('hash', async ({ path, index }) => {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    // Under the same id a line is stored once, also when this task runs again.
    await lines.schedule('line', { index, line: `${hash.digest('hex')}  ${path}` }, { id: `line-${index}` });
  });
  void core.run();
  await ClusterTaskManager.join(core.taskManager, { queue: 'files', connection, lease: 2000, concurrency: 8 });
  process.on('disconnect', () => process.exit());
}

void (role === 'producer' ? produce() : work());
