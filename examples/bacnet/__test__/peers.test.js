'use strict';
/** The device, as clients of other authors find it: BACpypes 0.19 and bacpypes3. */

const { afterAll, beforeAll, describe, expect, test } = require('@jest/globals');

const { ADDRESS, Peer, cleanUp, startDevice } = require('./support');

/** bacpypes3 answers itself instead of sending to 127.0.0.0/8 with its own port. So it has another one. */
const PEERS = [
  ['BACpypes', 'bacpypes_client.py', '127.0.0.8', '127.0.0.8'],
  ['bacpypes3', 'bacpypes3_client.py', '127.0.0.9:47809', '127.0.0.9'],
];

const BROADCAST = '127.0.0.255';
const DEVICE = ['device', 599];
const SETPOINT = ['analogValue', 1];
const FAN = ['binaryValue', 1];

const isMissing = process.env.BACNET_PYTHON === undefined;
if (isMissing)
  process.stderr.write(`    not tested with peers: ${process.env.BACNET_REASON ?? 'BACNET_PYTHON is not set'}\n`);

(isMissing ? describe.skip : describe).each(PEERS)('%s', (_, script, address, host) => {
  let device;
  let peer;

  beforeAll(async () => {
    device = await startDevice('--broadcast', BROADCAST, '--timeout', '500');
    peer = await Peer.start(script, address);
  });

  afterAll(cleanUp);

  const read = (object, property, index) => peer.result('read', { object, property, index });
  const write = (object, value, type = 'real', property = 'presentValue') =>
    peer.result('write', { object, property, type, value });
  const subscribe = (object, fields) => peer.call('subscribe', { object, confirmed: false, lifetime: 0, ...fields });
  const values = (from = 0) =>
    peer
      .of('notification')
      .slice(from)
      .map(({ presentValue }) => presentValue);
  const count = () => peer.of('notification').length;

  test('discovery: Who-Is finds it, by its own address and by a broadcast, within its limits', async () => {
    await peer.call('who-is');
    expect(await peer.event('i-am', 1)).toMatchObject({ device: 599, source: ADDRESS, vendor: 999 });
    await peer.call('who-is', { address: BROADCAST, low: 599, high: 599 });
    await peer.event('i-am', 2);
    await peer.call('who-is', { low: 1, high: 598 });
    await peer.call('who-is', { low: 600, high: 4_194_303 });
    // What is asked later is answered later.
    await read(DEVICE, 'objectName');
    expect(peer.of('i-am')).toHaveLength(2);
  });

  test('reads', async () => {
    expect(await read(DEVICE, 'objectName')).toEqual({ value: 'waitable-event 599' });
    expect(await read(['device', 4_194_303], 'vendorName')).toEqual({ value: 'The waitable-event authors' });
    expect(await read(DEVICE, 'objectList')).toEqual({
      value: [DEVICE, ['analogInput', 1], SETPOINT, FAN],
    });
    expect(await read(DEVICE, 'objectList', 0)).toEqual({ value: 4 });
    expect(await read(DEVICE, 'objectList', 3)).toEqual({ value: SETPOINT });
    expect(await read(DEVICE, 'segmentationSupported')).toEqual({ value: 'noSegmentation' });
    expect(await read(['analogInput', 1], 'presentValue')).toEqual({ value: 20 });
    expect(await read(['analogInput', 1], 'units')).toEqual({ value: 'degreesCelsius' });
    expect(await read(FAN, 'presentValue')).toEqual({ value: 'inactive' });
  });

  test('writes', async () => {
    expect(await write(SETPOINT, 25.5)).toEqual({ value: true });
    expect(await read(SETPOINT, 'presentValue')).toEqual({ value: 25.5 });
    await device.printed(`${host} has set setpoint to 25.5`);
    expect(await write(FAN, 1, 'enumerated')).toEqual({ value: true });
    expect(await read(FAN, 'presentValue')).toEqual({ value: 'active' });
    await write(FAN, 0, 'enumerated');
  });

  test('refusals', async () => {
    expect(await read(['analogValue', 9], 'presentValue')).toEqual({ error: 'object: unknownObject' });
    expect(await read(['analogInput', 1], 'priorityArray')).toEqual({ error: 'property: unknownProperty' });
    expect(await read(DEVICE, 'objectList', 5)).toEqual({ error: 'property: invalidArrayIndex' });
    expect(await write(['analogInput', 1], 3)).toEqual({ error: 'property: writeAccessDenied' });
    expect(await write(DEVICE, 'spam', 'string', 'objectName')).toEqual({ error: 'property: writeAccessDenied' });
    expect(await write(SETPOINT, 'warm', 'string')).toEqual({ error: 'property: invalidDataType' });
    expect(await write(SETPOINT, null, 'null')).toEqual({ error: 'property: invalidDataType' });
    expect(await write(SETPOINT, 99)).toEqual({ error: 'property: valueOutOfRange' });
    expect(await write(FAN, 7, 'enumerated')).toEqual({ error: 'property: valueOutOfRange' });
    expect(await peer.result('subscribe', { object: DEVICE, process: 1, confirmed: true, lifetime: 9 })).toEqual({
      error: 'object: optionalFunctionalityNotSupported',
    });
    expect(await read(SETPOINT, 'presentValue')).toEqual({ value: 25.5 });
  });

  test('many properties at once, each with a value or an error', async () => {
    const objects = [
      [SETPOINT, ['presentValue', 'units', 'priorityArray']],
      [DEVICE, ['objectName']],
      [['binaryValue', 7], ['presentValue']],
    ];
    expect(await peer.result('read-multiple', { objects })).toEqual({
      value: {
        'analogValue,1 presentValue': 25.5,
        'analogValue,1 units': 'degreesCelsius',
        'analogValue,1 priorityArray': 'property: unknownProperty',
        'device,599 objectName': 'waitable-event 599',
        'binaryValue,7 presentValue': 'object: unknownObject',
      },
    });
    const all = await peer.result('read-multiple', { objects: [[FAN, ['all']]] });
    expect(Object.keys(all.value)).toHaveLength(7);
    expect(all.value).toMatchObject({ 'binaryValue,1 objectName': 'fan', 'binaryValue,1 presentValue': 'inactive' });
  });

  test.each([false, true])(
    'a subscription tells of changes until it is cancelled (confirmed: %p)',
    async (confirmed) => {
      const from = count();
      await subscribe(SETPOINT, { process: 3, confirmed, lifetime: 600 });
      expect(await peer.event('notification', from + 1)).toMatchObject({
        confirmed,
        process: 3,
        object: SETPOINT,
        presentValue: 25.5,
      });
      expect(peer.of('notification')[from].remaining).toBeGreaterThan(500);
      await write(SETPOINT, 30);
      await peer.event('notification', from + 2);
      // Less than the increment.
      await write(SETPOINT, 30.25);
      await write(SETPOINT, 25.5);
      await peer.event('notification', from + 3);
      await subscribe(SETPOINT, { process: 3, cancel: true });
      await write(SETPOINT, 10);
      await write(SETPOINT, 25.5);
      expect(values(from)).toEqual([25.5, 30, 25.5]);
    },
  );

  test('a lifetime ends, and not early; a renewal begins another one', async () => {
    const [from, line] = [count(), device.lines.length];
    const begun = performance.now();
    await subscribe(FAN, { process: 4, lifetime: 1 });
    await device.printed('has ended', line);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1000);
    await write(FAN, 1, 'enumerated');
    await write(FAN, 0, 'enumerated');
    expect(values(from)).toEqual(['inactive']);

    const renewed = device.lines.length;
    await subscribe(FAN, { process: 4, lifetime: 1 });
    const again = performance.now();
    await subscribe(FAN, { process: 4, lifetime: 2 });
    await device.printed('has ended', renewed);
    expect(performance.now() - again).toBeGreaterThanOrEqual(2000);
    device.write('subscriptions');
    await device.printed('0 subscriptions', renewed);
  });

  test('a client that is silent is sent three retries, never early, and is told of the newest value later', async () => {
    await peer.call('acknowledge', { value: false });
    const [from, line] = [peer.of('request').length, device.lines.length];
    const { time: begun } = await peer.call('acknowledge', { value: false });
    await subscribe(FAN, { process: 5, confirmed: true });
    await device.printed('no acknowledgement from', line);
    const sent = peer.of('request').slice(from);
    expect(sent).toHaveLength(4);
    expect(new Set(sent.map(({ data }) => data)).size).toBe(1);
    sent.forEach(({ time }, index) => expect(time - begun).toBeGreaterThanOrEqual(index * 500));
    await peer.call('acknowledge', { value: true });
    const told = count();
    await write(FAN, 1, 'enumerated');
    expect((await peer.event('notification', told + 1)).presentValue).toBe('active');
    await subscribe(FAN, { process: 5, cancel: true });
  });
});
