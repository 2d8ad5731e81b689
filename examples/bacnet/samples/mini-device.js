'use strict';
/**
 * BACpypes' mini_device.py: the least that is a device.
 *
 *   node examples/bacnet/samples/mini-device.js ADDRESS [PORT [DEVICE]]
 *
 * What differs: its settings are arguments, where BACpypes has a file BACpypes.ini.
 */

const { core } = require('../../..');

async function main([address, port = '47808', instance = '599']) {
  const { Device } = require('../device');
  const { Log } = require('../log');
  const log = new Log();
  const timing = { timeout: 3000, retries: 3 };
  const device = new Device({ address, port: Number(port), instance: Number(instance), timing, log });
  log.line(`device ${instance} is there, on port ${device.port.address().port}`);
  await core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
  device.close();
  log.close();
}

if (process.argv.length < 3 || process.argv.includes('--help')) {
  console.log('Usage: node examples/bacnet/samples/mini-device.js ADDRESS [PORT [DEVICE]]');
} else {
  void main(process.argv.slice(2));
}
