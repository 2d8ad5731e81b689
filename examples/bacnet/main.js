'use strict';
/**
 * A BACnet/IP device in the manner of a BACpypes program: what comes from the network, from a worker, from the console
 * and from the clock is called by one loop.
 *
 *   npm ci --prefix examples/bacnet
 *   node examples/bacnet/main.js --address 127.0.0.7
 */

const { join } = require('node:path');
const { parseArgs } = require('node:util');
const { Worker } = require('node:worker_threads');

const { core } = require('../..');

const USAGE = `\
Usage: node examples/bacnet/main.js [OPTION]...
A BACnet/IP device: Who-Is, ReadProperty, ReadPropertyMultiple, WriteProperty and SubscribeCOV.

  --address A      the address to bind to (default: 0.0.0.0)
  --port N         the port to bind to (default: 47808; 0 is a free one)
  --broadcast A    another address to listen on, for broadcasts
  --device N       the number of the device, 0 to 4194302 (default: 599)
  --timeout MS     how long a notification waits for its acknowledgement (default: 3000)
  --retries N      how often it is sent again (default: 3)
  --sample MS      how often the temperature is measured; 0 is never (default: 1000)
  --help           print this help and exit

Commands on standard input: list, set NAME VALUE, subscriptions, quit.`;

/** Returns the value of an option that is a number in a range. Throws a TypeError. */
function toInteger(values, name, least, most) {
  const value = Number(values[name]);
  if (values[name].trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`--${name} takes an integer from ${least} to ${most}`);
  }
  return value;
}

const text = (value) => ({ type: 'string', default: value });

function parse() {
  const { values } = parseArgs({
    options: {
      address: text('0.0.0.0'),
      port: text('47808'),
      broadcast: { type: 'string' },
      device: text('599'),
      timeout: text('3000'),
      retries: text('3'),
      sample: text('1000'),
      help: { type: 'boolean', default: false },
    },
  });
  return {
    help: values.help,
    address: values.address,
    broadcast: values.broadcast,
    port: toInteger(values, 'port', 0, 65_535),
    instance: toInteger(values, 'device', 0, 4_194_302),
    timing: { timeout: toInteger(values, 'timeout', 1, 65_535), retries: toInteger(values, 'retries', 0, 255) },
    sample: toInteger(values, 'sample', 0, 86_400_000),
  };
}

async function main() {
  let options;
  try {
    options = parse();
  } catch (error) {
    console.error(`bacnet: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (options.help) {
    console.log(USAGE);
    return;
  }
  // Behind the help, which needs no codec.
  const { Console } = require('./console');
  const { Device } = require('./device');
  const { Log } = require('./log');
  const log = new Log();
  let device;
  try {
    device = new Device({ ...options, log });
  } catch (error) {
    console.error(`bacnet: cannot bind to ${options.address} port ${options.port}: ${error.message}`);
    process.exitCode = 1;
    return;
  }
  const input = openConsole(Console, device, log);
  const { temperature } = device.objects;
  core.taskManager.define('sample', (celsius) => temperature.set(celsius));
  const sampler = startSampler(options.sample, log);
  const { address, port } = device.port.address();
  log.line(`device ${options.instance} listens on ${address} port ${port}`);
  await core.run({ stopOn: ['SIGINT', 'SIGTERM'], close: true });
  device.close();
  input?.close();
  log.close();
  await sampler?.terminate();
}

/** Reads standard input in the loop. One that cannot be polled is left alone: the device needs no console. */
function openConsole(Console, device, log) {
  try {
    return new Console(0, device, () => core.stop());
  } catch (error) {
    log.line(`there is no console: ${error.message}`);
    return undefined;
  }
}

function startSampler(interval, log) {
  if (interval === 0) return undefined;
  const workerData = { handle: core.taskManager.handle, interval };
  const worker = new Worker(join(__dirname, 'sampler.js'), { workerData });
  worker.on('error', (error) => log.line(`the sampling worker has failed: ${error.message}`));
  return worker;
}

void main();
