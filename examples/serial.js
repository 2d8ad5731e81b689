'use strict';
/**
 * Reads a serial device in a worker, line by line. Without the path of a device, `script` makes a pseudo-terminal, and
 * this program plays the device: a thermometer that is switched off when it gets hot.
 *
 *   node examples/serial.js [/dev/ttyUSB0]
 */

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const { constants, openSync } = require('node:fs');
const { isMainThread, workerData } = require('node:worker_threads');

require('./support/help')(__filename);
const { ReadlineParser } = require('@serialport/parser-readline');
const { core, toReadable, toWritable } = require('waitable-event');
const { TaskWorker, parent, serve } = require('waitable-event/pool');

/** The worker has the device: its settings come from stty, its lines from the parser of serialport. */
function serveDevice(path) {
  execFileSync('stty', ['-F', path, '9600', 'raw', '-echo']);
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const output = toWritable(fd);
  const lines = toReadable(fd, { own: true }).pipe(new ReadlineParser({ delimiter: '\r\n' }));
  lines.on('data', (line) => parent().schedule('line', line));
  return serve({ send: (text) => void output.write(`${text}\r\n`) });
}

async function main(path) {
  const device = path ? undefined : spawn('script', ['-qfc', 'tty; sleep 60', '/dev/null']);
  const port = path ?? String(await once(device.stdout, 'data')).trim();
  const worker = new TaskWorker(__filename, { workerData: port });
  const tasks = await worker.ready;
  core.taskManager.define('line', (line) => {
    console.log(`received ${line}`);
    return Number.parseFloat(line) > 100 ? tasks.call('send', 'off') : undefined;
  });
  device?.stdin.write('21.5 C\r\n99.9 C\r\n101 C\r\n');
  device?.stdout.once('data', (data) => {
    console.log(`the device got ${String(data).trim()}`);
    core.stop();
  });
  await core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
  await worker.close();
  device?.kill();
}

void (isMainThread ? main(process.argv[2]) : serveDevice(workerData));
