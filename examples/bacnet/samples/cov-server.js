'use strict';
/**
 * BACpypes' COVServer.py: a device whose values change by themselves, and which tells its subscribers.
 *
 *   node examples/bacnet/samples/cov-server.js ADDRESS [PORT]
 *
 * What differs: a subscriber that does not answer is told of the newest value later, and not of each one in between.
 */

const { core, recurringFunction } = require('../../..');

const timing = { timeout: 3000, retries: 3 };

async function main([address, port = '47808']) {
  const { Device } = require('../device');
  const { Log } = require('../log');
  const log = new Log();
  const device = new Device({ address, port: Number(port), instance: 599, timing, log });
  const { temperature, fan } = device.objects;
  // The fan runs while it is warm. Each set() tells the subscribers, if the change is large enough.
  const { task } = recurringFunction(100)(function swing() {
    temperature.set(20 + 5 * Math.sin(Date.now() / 500));
    fan.set(temperature.value > 20 ? 1 : 0);
  });
  log.line(`serving changes on port ${device.port.address().port}`);
  await core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
  task.suspendTask();
  device.close();
  log.close();
}

if (process.argv.length < 3 || process.argv.includes('--help')) {
  console.log('Usage: node examples/bacnet/samples/cov-server.js ADDRESS [PORT]');
} else {
  void main(process.argv.slice(2));
}
