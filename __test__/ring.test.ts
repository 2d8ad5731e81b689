/** The queue in shared memory between one producer and one consumer. */

import { beforeEach, expect, test } from '@jest/globals';

interface RingMemory {
  words: SharedArrayBuffer;
  bytes: SharedArrayBuffer;
}

interface RingRecord {
  kind: number;
  name: number;
  value: number;
  time: number;
  size: number;
  id: number;
}

interface RingProducer {
  readonly largest: number;
  hasRoom: (records: number, bytes: number) => boolean;
  push: (kind: number, name: number, value: number, time: number, id: number, data: Uint8Array | undefined) => boolean;
  setWaiting: (waiting: boolean) => void;
}

interface RingConsumer {
  readonly available: number;
  peek: (record: RingRecord) => void;
  take: (size: number) => Buffer;
  advance: () => void;
  publish: () => boolean;
}

const ring = require('../dist/src/ring.js') as {
  makeRingMemory: (slots: number, bytes: number) => RingMemory;
  RingProducer: new (memory: RingMemory) => RingProducer;
  RingConsumer: new (memory: RingMemory) => RingConsumer;
};

const SLOTS = 8;
const BYTES = 64;

let memory: RingMemory;
let producer: RingProducer;
let consumer: RingConsumer;
const record: RingRecord = { kind: 0, name: 0, value: 0, time: 0, size: 0, id: 0 };

beforeEach(() => {
  memory = ring.makeRingMemory(SLOTS, BYTES);
  producer = new ring.RingProducer(memory);
  consumer = new ring.RingConsumer(memory);
});

function push(id: number, data?: Uint8Array): boolean {
  return producer.push(0, 0, 0, 0, id, data);
}

function next(): { id: number; data: number[] } {
  consumer.peek(record);
  const data = record.size > 0 ? [...consumer.take(record.size)] : [];
  consumer.advance();
  return { id: record.id, data };
}

function bytes(size: number, seed: number = size): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (seed * 31 + index) & 0xff);
}

test('what is written is read, every word of it', () => {
  expect(producer.push(0xff, 0x7fff_ffff, -0, Number.NEGATIVE_INFINITY, 0x7fff_ffff, bytes(5))).toBe(true);
  expect(producer.push(0, 0, Number.NaN, 1e300, 0, undefined)).toBe(true);
  expect(consumer.available).toBe(2);
  consumer.peek(record);
  expect(record).toEqual({
    kind: 0xff,
    name: 0x7fff_ffff,
    value: -0,
    time: Number.NEGATIVE_INFINITY,
    size: 5,
    id: 0x7fff_ffff,
  });
  expect([...consumer.take(5)]).toEqual([...bytes(5)]);
  consumer.advance();
  consumer.peek(record);
  expect(record).toEqual({ kind: 0, name: 0, value: Number.NaN, time: 1e300, size: 0, id: 0 });
});

test('it takes as many records as it has slots, and again when there is room', () => {
  for (let id = 0; id < SLOTS; id += 1) {
    expect(push(id)).toBe(true);
  }
  expect(push(99)).toBe(false);
  expect(next().id).toBe(0);
  // Room is what the consumer has published.
  expect(push(99)).toBe(false);
  consumer.publish();
  expect(push(SLOTS)).toBe(true);
  expect(push(99)).toBe(false);
  expect(Array.from({ length: SLOTS }, () => next().id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(consumer.available).toBe(0);
});

test('it takes as many bytes as it has, and what does not fit leaves no trace', () => {
  expect(push(1, bytes(BYTES - 4))).toBe(true);
  expect(push(2, bytes(5))).toBe(false);
  expect(push(3, bytes(4))).toBe(true);
  expect(push(4, bytes(1))).toBe(false);
  expect(push(5)).toBe(true);
  expect([next(), next(), next()].map(({ id, data }) => [id, data.length])).toEqual([
    [1, BYTES - 4],
    [3, 4],
    [5, 0],
  ]);
});

test('bytes go around the end', () => {
  for (let round = 0; round < 1000; round += 1) {
    const size = 1 + ((round * 7) % producer.largest);
    expect(push(round, bytes(size, round))).toBe(true);
    expect(next()).toEqual({ id: round, data: [...bytes(size, round)] });
    consumer.publish();
  }
});

test('a record may have half of the bytes, whatever is in it already', () => {
  expect(producer.largest).toBe(BYTES / 2);
});

test('the consumer’s bytes are its own', () => {
  push(1, bytes(8, 1));
  consumer.peek(record);
  const taken = consumer.take(8);
  consumer.advance();
  consumer.publish();
  for (let id = 0; id < SLOTS; id += 1) {
    push(id, new Uint8Array(8));
  }
  expect([...taken]).toEqual([...bytes(8, 1)]);
});

test('publish() tells whether the producer waits', () => {
  expect(consumer.publish()).toBe(false);
  producer.setWaiting(true);
  expect(consumer.publish()).toBe(true);
  producer.setWaiting(false);
  expect(consumer.publish()).toBe(false);
});

test('hasRoom() says what push() will', () => {
  expect([producer.hasRoom(SLOTS, BYTES), producer.hasRoom(1, 0)]).toEqual([true, true]);
  // More than it will ever have room for: the first one.
  expect([producer.hasRoom(SLOTS + 1, 0), producer.hasRoom(1, 10 * BYTES)]).toEqual([true, true]);
  push(1, bytes(BYTES / 2 + 1));
  expect([producer.hasRoom(SLOTS - 1, 0), producer.hasRoom(SLOTS, 0)]).toEqual([true, false]);
  expect([producer.hasRoom(1, BYTES / 2 - 1), producer.hasRoom(1, BYTES / 2)]).toEqual([true, false]);
  expect(producer.hasRoom(1, 10 * BYTES)).toBe(false);
  for (let id = 1; id < SLOTS; id += 1) {
    push(id);
  }
  expect([producer.hasRoom(1, 0), producer.hasRoom(100, 0)]).toEqual([false, false]);
});

test('positions beyond 2^32 are no different', () => {
  const size = 1 << 26;
  const large = ring.makeRingMemory(2, size);
  [producer, consumer] = [new ring.RingProducer(large), new ring.RingConsumer(large)];
  const block = new Uint8Array(producer.largest);
  for (let round = 0; round * size < 1.1 * 2 ** 32; round += 1) {
    block[0] = round;
    block[block.length - 1] = round + 1;
    expect([push(round, block), push(round, block), push(round, block.subarray(0, 1))]).toEqual([true, true, false]);
    for (let index = 0; index < 2; index += 1) {
      consumer.peek(record);
      const taken = consumer.take(record.size);
      consumer.advance();
      expect([record.id, taken.length, taken[0], taken.at(-1)]).toEqual([round, block.length, round, round + 1]);
    }
    consumer.publish();
    expect(consumer.available).toBe(0);
  }
});
