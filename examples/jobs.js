// Runs a recurring job beside an http server, in one thread. Neither waits for the other.
//
//   node examples/jobs.js          then open the address that it prints; Ctrl-C stops it
'use strict';

require('./support/help')(__filename);
const { createServer } = require('node:http');
const { RecurringFunctionTask, core } = require('waitable-event');

let ticks = 0;
const job = new RecurringFunctionTask(1000, () => {
  ticks += 1;
});
job.installTask();

const server = createServer((_request, response) => {
  response.end(`${ticks} ticks, the next one at ${new Date(job.taskTime).toISOString()}\n`);
});
server.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
  core.stop();
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
core.run({ stopOn: ['SIGINT', 'SIGTERM'] }).then(() => {
  job.suspendTask();
  server.close();
});
