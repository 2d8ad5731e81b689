// An http server whose requests are answered by four workers. Each worker asks the main thread for its configuration,
// and blocks for it. SIGTERM ends the server when all requests are answered.
//
//   node examples/http-pool.js [PORT]      then: curl -d words http://127.0.0.1:PORT/, and kill the process
'use strict';

require('./support/help')(__filename);
const { createHash } = require('node:crypto');
const { createServer } = require('node:http');
const { text } = require('node:stream/consumers');
const { isMainThread } = require('node:worker_threads');
const { core } = require('waitable-event');
const { TaskPool, parent, serve } = require('waitable-event/pool');

async function main(port) {
  core.taskManager.define('config', () => ({ algorithm: 'sha256', rounds: 1000 }));
  void core.run({ close: true });
  const pool = new TaskPool(__filename, { size: 4 });
  const server = createServer((request, response) => {
    const hash = text(request).then((body) => pool.run('hash', body));
    hash.then(
      (result) => Object.assign(response, { shouldKeepAlive: server.listening }).end(`${String(result)}\n`),
      (error) => response.writeHead(500).end(`${error.message}\n`),
    );
  });
  server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  await new Promise((resolve) => server.close(resolve)); // the requests that have come are answered
  await pool.close();
  core.stop();
}

if (isMainThread) {
  void main(Number(process.argv[2] ?? 0));
} else {
  const { algorithm, rounds } = parent().callSync('config');
  const hash = (data) => createHash(algorithm).update(data).digest('hex');
  serve({ hash: (data) => Array.from({ length: rounds }).reduce((value) => hash(value), data) });
}
