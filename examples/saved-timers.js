'use strict';
/**
 * Keeps 100 000 timers over a restart: SIGTERM saves those that wait, and the next start loads them. Started with a
 * second argument, it ends when the last one has run.
 *
 *   node examples/saved-timers.js timers.json         # ends by SIGTERM
 *   node examples/saved-timers.js timers.json again
 */

const { existsSync, readFileSync, renameSync, writeFileSync } = require('node:fs');

require('./support/help')(__filename);
const { core } = require('waitable-event');

const TIMERS = 100_000;
const [path, again] = process.argv.slice(2);
const manager = core.taskManager;
let loaded = 0;
let fired = 0;

manager.define('remind', () => {
  fired += 1;
  if (again !== undefined && fired === loaded) core.stop();
});

function load() {
  for (const { name, payload, due, key } of JSON.parse(readFileSync(path, 'utf8'))) {
    manager.schedule(name, payload, { when: due, key });
    loaded += 1;
  }
}

function save() {
  // The new file takes the place of the old one when it is complete.
  writeFileSync(`${path}.new`, JSON.stringify(manager.tasks()));
  renameSync(`${path}.new`, path);
}

if (existsSync(path)) {
  load();
} else {
  for (let user = 0; user < TIMERS; user += 1) {
    manager.schedule('remind', { user }, { delta: 3_600_000 + user, key: `user ${user}` });
  }
}
const running = core.run({ stopOn: ['SIGTERM'], close: true });
console.log(`${manager.stats().pending} timers wait`);
void running.then(() => {
  save();
  console.log(`${fired} timers have run, ${manager.tasks().length} are saved`);
});
