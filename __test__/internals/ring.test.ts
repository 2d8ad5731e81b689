/** The queue in shared memory between one producer and one consumer. */

import { beforeEach, describe, expect, test } from '@jest/globals';

import { RecordReader, RingReader, type RingMemory, RingWriter, makeRingMemory } from '../support/internals';

const SLOTS = 8;
const BYTES = 64;

let memory: RingMemory;
let producer: RingWriter;
let consumer: RingReader;

function push(id: number, data?: Uint8Array): boolean {
  return producer.push(0, 0, 0, 0, id, data);
}

/** Returns the record that the consumer is at. */
function record(): object {
  const { kind, arg, value, time, size, id } = consumer;
  return { kind, arg, value, time, size, id };
}

function next(): { id: number; data: number[] } {
  const { id, byteOffset, size } = consumer;
  const data = [...consumer.bytes.subarray(byteOffset, byteOffset + size)];
  consumer.advance();
  return { id, data };
}

function bytes(size: number, seed: number = size): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (seed * 31 + index) & 0xff);
}

/**
 * Where both ends begin: at nothing, and just below the limits of their positions. A record's is 31 bits wide in HEAD,
 * above another one, and 32 in TAIL; a byte's is 32. A sign changes at half of each.
 */
const STARTS = [
  { records: 0, bytes: 0 },
  { records: 2 ** 30 - 3, bytes: 2 ** 31 - 40 },
  { records: 2 ** 31 - 3, bytes: 2 ** 32 - 40 },
  { records: 2 ** 32 - 3, bytes: 2 ** 32 - 8 },
];

describe.each(STARTS)('from record $records and byte $bytes on:', (start) => {
  beforeEach(() => {
    memory = makeRingMemory({ slots: SLOTS, bytes: BYTES }, undefined, start);
    producer = new RingWriter(memory);
    consumer = new RingReader(memory);
  });

  test('what is written is read, every word of it', () => {
    expect(producer.push(0xff, 0x7fff_ffff, -0, Number.NEGATIVE_INFINITY, 0x7fff_ffff, bytes(5))).toBe(true);
    expect(producer.push(0, 0, Number.NaN, 1e300, 0, undefined)).toBe(true);
    expect(consumer.available).toBe(2);
    expect(record()).toEqual({
      kind: 0xff,
      arg: 0x7fff_ffff,
      value: -0,
      time: Number.NEGATIVE_INFINITY,
      size: 5,
      id: 0x7fff_ffff,
    });
    expect(next().data).toEqual([...bytes(5)]);
    expect(record()).toEqual({ kind: 0, arg: 0, value: Number.NaN, time: 1e300, size: 0, id: 0 });
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

  test('it takes as many bytes as it has, in eights, and what does not fit leaves no trace', () => {
    expect(push(1, bytes(BYTES / 2))).toBe(true);
    expect(push(2, bytes(BYTES / 2 - 15))).toBe(true);
    expect(push(3, bytes(9))).toBe(false);
    expect(push(4, bytes(1))).toBe(true);
    expect(push(5, bytes(1))).toBe(false);
    expect(push(6)).toBe(true);
    expect([next(), next(), next(), next()].map(({ id, data }) => [id, data.length])).toEqual([
      [1, BYTES / 2],
      [2, BYTES / 2 - 15],
      [4, 1],
      [6, 0],
    ]);
  });

  test('a record with more bytes than one may have is refused', () => {
    expect(push(1, bytes(BYTES / 2 + 1))).toBe(false);
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

  test('bytes that are written in place arrive, also around the end', () => {
    for (let round = 0; round < 1000; round += 1) {
      const size = 1 + ((round * 7) % producer.largest);
      expect([producer.hasSlot(), producer.byteRoom(size) >= size]).toEqual([true, true]);
      producer.bytes.set(bytes(size, round), producer.byteOffset);
      // What is not announced is not there.
      expect(consumer.available).toBe(0);
      producer.pushWritten(0, 0, 0, round, size);
      expect(next()).toEqual({ id: round, data: [...bytes(size, round)] });
      consumer.publish();
    }
  });

  test('byteRoom() is the room that is known of, and at most what one record may have', () => {
    expect(producer.byteRoom(1)).toBe(BYTES / 2);
    push(1, bytes(BYTES / 2));
    push(2, bytes(BYTES / 2 - 8));
    expect([producer.byteRoom(8), producer.byteRoom(9)]).toEqual([8, 8]);
    next();
    consumer.publish();
    expect(producer.byteRoom(8)).toBe(8);
    expect(producer.byteRoom(9)).toBe(BYTES / 2);
  });

  test('records that are not given back stay as they are, however full the ring is', () => {
    for (let round = 0; round < 200; round += 1) {
      const sizes = [1 + (round % 16), BYTES / 2 - 1, 5];
      sizes.forEach((size, index) => expect(push(index, bytes(size, round + index))).toBe(true));
      while (push(99, bytes(1, 99))) {
        // Until nothing fits.
      }
      sizes.forEach((size, index) => expect(next()).toEqual({ id: index, data: [...bytes(size, round + index)] }));
      while (consumer.available > 0) {
        expect(next()).toEqual({ id: 99, data: [...bytes(1, 99)] });
      }
      consumer.publish();
    }
  });

  test('publish() tells when a producer that waits has half of the slots', () => {
    expect(consumer.publish()).toBe(false);
    for (let id = 0; id < SLOTS; id += 1) {
      push(id);
    }
    producer.setWaiting(true);
    for (let id = 0; id < SLOTS; id += 1) {
      expect([id, consumer.publish()]).toEqual([id, id >= SLOTS / 2]);
      next();
    }
    expect(consumer.publish()).toBe(true);
    producer.setWaiting(false);
    expect(consumer.publish()).toBe(false);
  });

  test('publish() tells when a producer that waits has half of the bytes', () => {
    const parts = BYTES / 16;
    for (let id = 0; id < parts; id += 1) {
      push(id, bytes(16));
    }
    producer.setWaiting(true);
    for (let id = 0; id < parts; id += 1) {
      expect([id, consumer.publish()]).toEqual([id, id >= parts / 2]);
      next();
    }
    expect(consumer.publish()).toBe(true);
  });

  test('publish() tells that a producer that waits in an empty ring has room', () => {
    producer.setWaiting(true);
    expect(consumer.publish()).toBe(true);
  });

  test('a producer knows after each record whether the consumer polls', () => {
    const pushed = (id: number): [isPolled: boolean, available: number] => {
      push(id);
      return [producer.isPolled, consumer.available];
    };
    expect(pushed(1)).toEqual([false, 1]);
    consumer.setPolling(true);
    expect(pushed(2)).toEqual([true, 2]);
    consumer.setPolling(true);
    expect(pushed(3)).toEqual([true, 3]);
    consumer.setPolling(false);
    consumer.setPolling(false);
    expect(pushed(4)).toEqual([false, 4]);
  });

  test('hasRoom() says what push() will', () => {
    expect([producer.hasRoom(SLOTS, BYTES), producer.hasRoom(1, 0)]).toEqual([true, true]);
    // More than it will ever have room for: the first one.
    expect([producer.hasRoom(SLOTS + 1, 0), producer.hasRoom(1, 10 * BYTES)]).toEqual([true, true]);
    push(1, bytes(BYTES / 2));
    expect(producer.hasRoom(1, 10 * BYTES)).toBe(true);
    push(2, bytes(1));
    expect([producer.hasRoom(SLOTS - 2, 0), producer.hasRoom(SLOTS - 1, 0)]).toEqual([true, false]);
    expect([producer.hasRoom(1, BYTES / 2 - 8), producer.hasRoom(1, BYTES / 2)]).toEqual([true, false]);
    expect(producer.hasRoom(1, 10 * BYTES)).toBe(false);
    for (let id = 2; id < SLOTS; id += 1) {
      push(id);
    }
    expect([producer.hasRoom(1, 0), producer.hasRoom(100, 0)]).toEqual([false, false]);
  });
});

describe('a ring that begins small', () => {
  const SMALL = { slots: 4, bytes: 32 };
  const LARGE = { slots: 16, bytes: 256 };
  const sent: unknown[] = [];
  let reader: InstanceType<typeof RecordReader>;

  beforeEach(() => {
    sent.length = 0;
    memory = makeRingMemory(SMALL, LARGE, { records: 2 ** 32 - 3, bytes: 2 ** 32 - 8 });
    producer = new RingWriter(memory, (area) => sent.push(area));
    reader = new RecordReader(memory, (claim) => sent[claim - 1]);
    consumer = reader.record;
  });

  function readAll(): number[] {
    const ids: number[] = [];
    for (let left = reader.available; left > 0;) {
      const count = reader.readable(left);
      left -= count;
      ids.push(...Array.from({ length: count }, () => next().id));
    }
    consumer.publish();
    return ids;
  }

  function idsAhead(): number[] {
    const ids: number[] = [];
    consumer.lookAhead(reader.available, ({ id }) => ids.push(id));
    return ids;
  }

  test('takes as many records as it may, in their order, and is replaced once', () => {
    push(0);
    push(1);
    expect(readAll()).toEqual([0, 1]);
    const ids = Array.from({ length: LARGE.slots }, (_, index) => index);
    expect(ids.map((id) => push(id))).not.toContain(false);
    expect([push(99), producer.hasRoom(1, 0), sent.length]).toEqual([false, false, 1]);
    let unread = 0;
    producer.forEachUnread(() => (unread += 1));
    expect(unread).toBe(LARGE.slots);
    expect(idsAhead()).toEqual(ids);
    expect(readAll()).toEqual(ids);
    for (let round = 0; round < 100; round += 1) {
      expect(push(round, bytes(round % 128))).toBe(true);
      expect(readAll()).toEqual([round]);
    }
    expect([sent.length, producer.memory]).toEqual([1, { words: memory.words, area: sent[0], limits: LARGE }]);
  });

  test.each([0, 1, 2, 3, 4])('the bytes of %i records before it grows, and of those behind, arrive', (before) => {
    for (let id = 0; id < before; id += 1) {
      push(id, bytes(8, id));
    }
    expect([producer.largestFor(100), sent.length]).toEqual([128, 1]);
    push(before, bytes(100));
    expect(reader.available).toBe(before + 1);
    for (let id = 0; id < before; id += 1) {
      expect([reader.readable(before + 1 - id), next()]).toEqual([before - id, { id, data: [...bytes(8, id)] }]);
    }
    expect([reader.readable(1), next()]).toEqual([1, { id: before, data: [...bytes(100)] }]);
  });

  test('does not grow for what the larger one has no room for either', () => {
    expect([producer.hasRoom(5, 257, true), producer.hasRoom(17, 0, true), sent.length]).toEqual([false, false, 0]);
    expect([producer.hasRoom(5, 256, true), sent.length]).toEqual([true, 1]);
  });

  test('a reader gives up when what replaces it has another size, or does not come', () => {
    for (const area of [undefined, {}, makeRingMemory(SMALL).area]) {
      memory = makeRingMemory(SMALL, LARGE);
      const other = new RingWriter(memory, () => 1);
      const wrong = new RecordReader(memory, () => area);
      other.largestFor(100);
      other.push(0, 0, 0, 0, 1, undefined);
      expect([wrong.available, wrong.record.isBroken]).toEqual([0, true]);
    }
  });

  test('one that cannot send its memory stays as it is', () => {
    memory = makeRingMemory(SMALL, LARGE);
    producer = new RingWriter(memory, () => undefined);
    expect(Array.from({ length: 5 }, (_, id) => push(id))).toEqual([true, true, true, true, false]);
    expect([producer.largestFor(100), producer.hasRoom(1, 0)]).toEqual([16, false]);
  });
});
