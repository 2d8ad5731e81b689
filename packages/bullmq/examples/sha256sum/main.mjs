// The main job on many processes: a producer finds files, workers hash them, and this process prints the lines. All
// they have in common is a Redis, which is killed and started again once meanwhile.
//   npm start                            the files in node_modules
//   npm start --silent -- DIRECTORY      those below a directory
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findRedis } from '../../support/find-servers.mjs';

const require = createRequire(import.meta.url);
const { core } = require('waitable-event');
const { ClusterTaskManager } = require('waitable-event-bullmq');
const { RedisServer } = require('../../support/servers.js');

const HELP = `Usage: npm start --silent -- [--workers N] [DIRECTORY]

Prints what sha256sum prints for the files below a directory (default: the package's node_modules), in any order.
A producer and N workers (default: 2) are processes of their own. A Redis is started for them, killed after a third
of the files, and started again.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { workers: { type: 'string', default: '2' }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}
const directory = positionals[0] ?? join(import.meta.dirname, '..', '..', 'node_modules', 'bullmq');

const children = [];
const redis = new RedisServer(findRedis());
const opened = [];

/** Ends everything that was started. */
async function end(code) {
  for (const child of children) child.kill();
  await Promise.all(opened.map((cluster) => cluster.close({ timeout: 0 })));
  core.stop();
  await redis.stop();
  process.exit(code);
}
process.once('SIGINT', () => void end(130));
process.once('SIGTERM', () => void end(143));

function start(...args) {
  const child = fork(join(import.meta.dirname, 'member.js'), [redis.url, ...args]);
  children.push(child);
  child.once('exit', (code) => {
    if (code) {
      console.error(`A process ended with code ${code}.`);
      void end(1);
    }
  });
  return child;
}

await redis.start();
const lines = new Map();
let isKilled = false;
let changed = () => undefined;
// A line may come twice: a worker that was cut off from Redis does its task again.
core.taskManager.define('line', ({ index, line }) => {
  lines.set(index, line);
  changed();
});
void core.run();
const options = { queue: 'lines', connection: redis.url, lease: 2000 };
opened.push(await ClusterTaskManager.join(core.taskManager, options));

for (let i = 0; i < Number(values.workers); i++) start('worker');
const [{ files }] = await once(start('producer', directory), 'message');
console.error(`${files} files, ${values.workers} workers`);

while (lines.size < files) {
  await new Promise((resolve) => {
    changed = resolve;
  });
  if (!isKilled && lines.size > files / 3) {
    isKilled = true;
    await redis.kill();
    console.error(`Redis was killed after ${lines.size} files.`);
    await redis.start();
    console.error('Redis is back.');
  }
}
const text = [...lines.values()].map((line) => `${line}\n`).join('');
process.stdout.write(text);
const check = spawnSync('sha256sum', ['-c', '--quiet'], { input: text, stdio: ['pipe', 'inherit', 'inherit'] });
console.error(check.status === 0 ? `sha256sum -c agrees with all ${files} lines.` : 'sha256sum -c does not agree.');
await end(check.status === 0 ? 0 : 1);
