'use strict';
/** What no client should send, and what clients leave undone: nothing falls, nothing leaks, and the log says why. */

const { readFileSync, readdirSync } = require('node:fs');

const { afterEach, beforeEach, describe, expect, test } = require('@jest/globals');

const { ApplicationTag, ErrorClass, ErrorCode, ObjectType, PduType, PropertyIdentifier } = require('@bacnet-js/client');

const { ADDRESS, PORT, Program, RawClient, cleanUp, requests, sleep, startDevice, until } = require('./support');

const ANALOG = { type: ObjectType.ANALOG_VALUE, instance: 1 };
const FAN = { type: ObjectType.BINARY_VALUE, instance: 1 };
const { PRESENT_VALUE } = PropertyIdentifier;

/** Frames that every field of the protocol is in. */
const VALID = [
  requests.whoIs(),
  requests.read(1, ANALOG, PRESENT_VALUE),
  requests.read(2, { type: ObjectType.DEVICE, instance: 599 }, PropertyIdentifier.OBJECT_LIST, 1),
  requests.readMultiple(3, [
    {
      objectId: ANALOG,
      properties: [
        { id: PRESENT_VALUE, index: 0xffff_ffff },
        { id: 8, index: 0xffff_ffff },
      ],
    },
    { objectId: FAN, properties: [{ id: PRESENT_VALUE, index: 0xffff_ffff }] },
  ]),
  requests.write(4, ANALOG, PRESENT_VALUE, [{ type: ApplicationTag.REAL, value: 22 }]),
  requests.write(5, FAN, PRESENT_VALUE, [{ type: ApplicationTag.CHARACTER_STRING, value: 'on', encoding: 0 }]),
  requests.subscribe(6, FAN, { process: 1, isConfirmed: false, lifetime: 1 }),
  requests.simpleAck(7),
];

const ERROR = [PduType.ERROR];

/** Returns numbers from 0 to 1 that are the same in each run. (mulberry32) */
function makeRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a changed copy: bytes that are others, gone, or doubled. Most have the right length in their header. */
function mutate(valid, random) {
  const pick = (count) => Math.floor(random() * count);
  let data = Buffer.from(valid);
  for (let change = pick(4); change >= 0 && data.length > 4; change -= 1) {
    const at = pick(data.length);
    const kind = pick(4);
    if (kind === 0) data = Buffer.concat([data.subarray(0, at), data.subarray(at + 1)]);
    else if (kind === 1) data = Buffer.concat([data.subarray(0, at), data.subarray(pick(data.length))]);
    else if (kind === 2) data[at] ^= 1 << pick(8);
    else data[at] = pick(256);
  }
  if (random() < 0.9 && data.length >= 4) {
    data[0] = 0x81;
    data.writeUInt16BE(data.length, 2);
  }
  return data;
}

let device;
let client;

const alive = (id = 200) => client.ask(id, requests.read(id, ANALOG, PRESENT_VALUE));
/** Returns the error that a request is answered with. */
const refusal = async (id, data) => {
  const [kind, invokeId, , , errorClass, , errorCode] = await client.ask(id, data);
  return [kind, invokeId, ErrorClass[errorClass], ErrorCode[errorCode]];
};
const countDescriptors = () => readdirSync(`/proc/${device.pid}/fd`).length;
const megabytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${device.pid}/status`, 'utf8'))[1]) / 1024;

beforeEach(async () => {
  device = await startDevice('--timeout', '300');
  client = await RawClient.start('127.0.0.3');
});

afterEach(cleanUp);

describe('datagrams', () => {
  test('an empty one, and each length that the header does not have, are ignored with a line in the log', async () => {
    await alive();
    const before = countDescriptors();
    await client.send(Buffer.alloc(0));
    for (const valid of VALID) {
      for (let length = 0; length < valid.length; length += 1) await client.send(valid.subarray(0, length));
    }
    await alive();
    await device.printed('ignored a datagram from 127.0.0.3: no header of BACnet/IP');
    // Each one is a line, or is counted.
    await device.printed('more of them)');
    expect(countDescriptors()).toBe(before);
    expect(device.stderr).toBe('');
  });

  test('each prefix with the right length in its header is ignored or refused', async () => {
    for (const valid of VALID) {
      for (let length = 4; length < valid.length; length += 1) {
        const data = Buffer.from(valid.subarray(0, length));
        data.writeUInt16BE(length, 2);
        await client.send(data);
      }
      await alive();
    }
    await device.printed('rejected a request from 127.0.0.3 that cannot be decoded');
    expect(device.stderr).toBe('');
  });

  test('one of 65507 bytes is ignored', async () => {
    const data = Buffer.alloc(65_507, VALID[3]);
    data.writeUInt16BE(65_507, 2);
    await client.send(data);
    await alive();
    await device.printed('65507 bytes are more than BACnet/IP has');
  });

  test('20 000 mutations leave the device as it was', async () => {
    const random = makeRandom(47_808);
    await alive();
    const before = { descriptors: countDescriptors(), memory: 0 };
    for (let sent = 0; sent < 20_000; sent += 1) {
      await client.send(mutate(VALID[sent % VALID.length], random));
      // The device has read what came before it answers.
      if (sent % 200 === 199) await alive(200 + ((sent / 200) & 31));
      if (sent === 4999) before.memory = megabytes();
      client.received.length = 0;
    }
    await alive();
    expect(countDescriptors()).toBe(before.descriptors);
    // Garbage comes and goes; what leaks a datagram's bytes at each of 15 000 would have more.
    expect(megabytes() - before.memory).toBeLessThan(60);
    expect(device.stderr).toBe('');
    device.child.kill('SIGTERM');
    expect(await device.exit).toBe(0);
  });
});

test('unknown objects, properties and types are refused with their codes', async () => {
  const unknown = { type: ObjectType.ANALOG_VALUE, instance: 77 };
  expect(await refusal(1, requests.read(1, unknown, PRESENT_VALUE))).toEqual([...ERROR, 1, 'OBJECT', 'UNKNOWN_OBJECT']);
  expect(await refusal(2, requests.read(2, { type: 1000, instance: 1 }, PRESENT_VALUE))).toEqual([
    ...ERROR,
    2,
    'OBJECT',
    'UNKNOWN_OBJECT',
  ]);
  expect(await refusal(3, requests.read(3, ANALOG, 5000))).toEqual([...ERROR, 3, 'PROPERTY', 'UNKNOWN_PROPERTY']);
  const text = [{ type: ApplicationTag.CHARACTER_STRING, value: 'warm', encoding: 0 }];
  expect(await refusal(4, requests.write(4, ANALOG, PRESENT_VALUE, text))).toEqual([
    ...ERROR,
    4,
    'PROPERTY',
    'INVALID_DATA_TYPE',
  ]);
  const nothing = [{ type: ApplicationTag.REAL, value: Number.NaN }];
  expect(await refusal(5, requests.write(5, ANALOG, PRESENT_VALUE, nothing))).toEqual([
    ...ERROR,
    5,
    'PROPERTY',
    'VALUE_OUT_OF_RANGE',
  ]);
});

test('unknown services are rejected, and segments and answers that are too long are aborted', async () => {
  const unknown = requests.read(9, ANALOG, PRESENT_VALUE);
  unknown[9] = 99;
  expect([...(await client.ask(9, unknown))]).toEqual([PduType.REJECT, 9, 9]);
  const segment = requests.read(10, ANALOG, PRESENT_VALUE);
  segment[6] |= 8;
  expect([...(await client.ask(10, segment))]).toEqual([PduType.ABORT | 1, 10, 4]);
  // The answer is longer than what the client accepts.
  const small = requests.readMultiple(11, [{ objectId: ANALOG, properties: [{ id: 8, index: 0xffff_ffff }] }]);
  small[7] = 0;
  expect([...(await client.ask(11, small))]).toEqual([PduType.ABORT | 1, 11, 4]);
  const all = Array.from({ length: 400 }, () => ({ id: PropertyIdentifier.ALL, index: 0xffff_ffff }));
  const device599 = { type: ObjectType.DEVICE, instance: 599 };
  const huge = requests.readMultiple(12, [{ objectId: device599, properties: all }]);
  expect([...(await client.ask(12, huge))]).toEqual([PduType.ABORT | 1, 12, 1]);
});

test('a client that never acknowledges is told four times, never early, and the device goes on', async () => {
  const begun = performance.now();
  await client.ask(20, requests.subscribe(20, FAN, { process: 5, isConfirmed: true, lifetime: 0 }));
  await device.printed('no acknowledgement from 127.0.0.3');
  const ended = performance.now();
  const told = client.of(PduType.CONFIRMED_REQUEST);
  expect(told).toHaveLength(4);
  expect(new Set(told.map(({ apdu: [, , invokeId] }) => invokeId)).size).toBe(1);
  // Nothing was sent before the subscription, and each one a time-out or more after the one before.
  told.forEach(({ time }, index) => expect(time - begun).toBeGreaterThanOrEqual(index * 300));
  expect(ended - begun).toBeGreaterThanOrEqual(4 * 300);
  await alive();
  // It is still subscribed, and is told of the next change.
  device.write('set fan 1');
  await until(() => client.of(PduType.CONFIRMED_REQUEST).length > 4, 'the next notification');
});

test('an acknowledgement of another client, or of another number, is none', async () => {
  const other = await RawClient.start('127.0.0.4');
  await client.ask(20, requests.subscribe(20, FAN, { process: 5, isConfirmed: true, lifetime: 0 }));
  await until(() => client.of(PduType.CONFIRMED_REQUEST).length > 0, 'a notification');
  const [{ apdu: bytes }] = client.of(PduType.CONFIRMED_REQUEST);
  await other.send(requests.simpleAck(bytes[2]));
  await client.send(requests.simpleAck(bytes[2] ^ 1));
  await until(() => client.of(PduType.CONFIRMED_REQUEST).length > 1, 'it again');
  await client.send(requests.simpleAck(bytes[2]));
  await alive();
  device.child.kill('SIGTERM');
  expect(await device.exit).toBe(0);
  expect(device.lines.at(-1)).toBe('bacnet: closed with 1 subscriptions and 0 notifications without an answer');
});

test('SIGTERM ends a device with subscriptions and notifications that are pending', async () => {
  await client.ask(20, requests.subscribe(20, FAN, { process: 5, isConfirmed: true, lifetime: 3600 }));
  await client.ask(21, requests.subscribe(21, ANALOG, { process: 6, isConfirmed: false, lifetime: 3600 }));
  await until(() => client.of(PduType.CONFIRMED_REQUEST).length > 0, 'a notification');
  device.child.kill('SIGTERM');
  expect(await device.exit).toBe(0);
  expect(device.lines.at(-1)).toBe('bacnet: closed with 2 subscriptions and 1 notifications without an answer');
  expect(device.stderr).toBe('');
});

test('more subscriptions than there is room for are refused', async () => {
  for (let process = 0; process < 256; process += 1) {
    const id = process & 127;
    const [kind] = await client.ask(id, requests.subscribe(id, FAN, { process, isConfirmed: false, lifetime: 3600 }));
    expect(kind).toBe(PduType.SIMPLE_ACK);
  }
  const last = requests.subscribe(200, FAN, { process: 256, isConfirmed: false, lifetime: 3600 });
  const [kind, , , , errorClass] = await client.ask(200, last);
  expect([kind, ErrorClass[errorClass]]).toEqual([...ERROR, 'RESOURCES']);
});

test('a port that is taken is told, and ends the second device', async () => {
  const second = new Program(process.execPath, ['main.js', '--address', ADDRESS]);
  expect(await second.exit).toBe(1);
  expect(second.stderr).toBe(`bacnet: cannot bind to ${ADDRESS} port ${PORT}: EADDRINUSE: bind failed\n`);
  await alive();
});

test.each([
  [['--port', 'all'], '--port takes an integer from 0 to 65535'],
  [['--device', '-1'], "Option '--device' argument is ambiguous"],
  [['--timeout', '0'], '--timeout takes an integer from 1 to 65535'],
  [['--spam'], "Unknown option '--spam'"],
])('%p is refused', async (args, words) => {
  const program = new Program(process.execPath, ['main.js', ...args]);
  expect(await program.exit).toBe(2);
  expect(program.stderr).toContain(words);
});

test('the console lists, sets and quits, and survives nonsense', async () => {
  for (const line of ['list', 'set fan 1', 'set fan on', 'set nothing 1', 'x'.repeat(10_000), '', 'subscriptions']) {
    device.write(line);
  }
  await device.printed('fan is 1');
  await device.printed('commands:');
  await device.printed('0 subscriptions');
  device.write('quit');
  expect(await device.exit).toBe(0);
});

test('the worker samples, and its values are told', async () => {
  await device.kill();
  device = await startDevice('--sample', '20');
  const input = { type: ObjectType.ANALOG_INPUT, instance: 1 };
  await client.ask(1, requests.subscribe(1, input, { process: 1, isConfirmed: false, lifetime: 60 }));
  await until(() => client.of(PduType.UNCONFIRMED_REQUEST).length > 3, 'notifications');
  device.child.kill('SIGINT');
  expect(await device.exit).toBe(0);
  await sleep(0);
});
