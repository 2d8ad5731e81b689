/** The format of plain values, which are written to and read from shared memory in place. */

import { isDeepStrictEqual } from 'node:util';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { type ValueMemory, ValueReader, ValueWriter } from '../support/internals';
import { makeRandom } from '../support/random';

const SIZE = 1 << 16;

let memory: ValueMemory;
let writer: ValueWriter;
let reader: ValueReader;

beforeEach(() => {
  const shared = new SharedArrayBuffer(SIZE);
  memory = { bytes: Buffer.from(shared), view: new DataView(shared), limit: 0 };
  writer = new ValueWriter(memory);
  reader = new ValueReader(memory);
});

function readAt(start: number): unknown {
  reader.unread[0] = start;
  reader.unreadCount = 1;
  return reader.read();
}

/** There and back; undefined also when it was refused. */
function roundTrip(value: unknown, start: number = 0): { end: number; result: unknown } {
  const end = writer.write(value, start, SIZE);
  if (end < 0) {
    return { end, result: undefined };
  }
  writer.isSent = true;
  return { end, result: readAt(start) };
}

/** Whether two values are the same, with the order of keys and the sign of zero. */
function isSame(result: unknown, value: unknown): boolean {
  // Jest takes a `constructor` of their own for their class.
  return isDeepStrictEqual(result, value) && JSON.stringify(result) === JSON.stringify(value);
}

const KEYS = [
  'a',
  'b',
  'value',
  'unit',
  '',
  '7',
  '10',
  'ü',
  'ключ',
  'k\uD800',
  '__proto__',
  'constructor',
  'toString',
  'length',
];
const NUMBERS = [
  0,
  -0,
  1,
  191,
  192,
  255,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  0.1,
  1e300,
  Number.NaN,
  Infinity,
  -Infinity,
];
const STRINGS = [
  '',
  'x',
  'äöü',
  '€',
  '😀',
  '\uD800',
  'a\uDC00b',
  '\uFEFFbom',
  '\0',
  'kitchen',
  'z'.repeat(33),
  'ÿ'.repeat(40),
];

/** Makes plain values, with few shapes among many. */
class Maker {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = makeRandom(seed);
  }

  integer(below: number): number {
    return Math.floor(this.#next() * below);
  }

  value(depth: number): unknown {
    const kind = this.integer(depth === 0 ? 5 : 8);
    switch (kind) {
      case 0:
        return this.#of([null, undefined, true, false]);
      case 1:
        return this.#of(NUMBERS);
      case 2:
        return this.integer(2 ** 32) - 2 ** 31;
      case 3:
        return this.#of(STRINGS);
      case 4:
        return String.fromCharCode(
          ...Array.from({ length: this.integer(40) }, () => this.integer(this.#next() < 0.5 ? 256 : 65_536)),
        );
      case 5:
        return Array.from({ length: this.integer(6) }, () => this.value(depth - 1));
      default:
        return this.#object(depth);
    }
  }

  #object(depth: number): object {
    const object = {};
    for (let count = this.integer(6); count > 0; count -= 1) {
      const value = this.value(depth - 1);
      Object.defineProperty(object, this.#of(KEYS), { value, configurable: true, enumerable: true, writable: true });
    }
    return object;
  }

  #of<T>(list: readonly T[]): T {
    return list[this.integer(list.length)] as T;
  }
}

test.each([1, 2, 3, 4, 5])('values at random arrive as they are (seed %p)', (seed) => {
  const maker = new Maker(seed);
  let refused = 0;
  for (let round = 0; round < 5000; round += 1) {
    const value = maker.value(4);
    const { end, result } = roundTrip(value, round % 100);
    refused += end < 0 ? 1 : 0;
    expect(end < 0 || isSame(result, value)).toBe(true);
  }
  expect(refused).toBeLessThan(50);
});

test.each([6, 7])(
  'values for which there is no room leave no trace, in the memory or in what follows (seed %p)',
  (seed) => {
    const maker = new Maker(seed);
    let refused = 0;
    let wrong = 0;
    for (let round = 0; round < 3000; round += 1) {
      const value = maker.value(3);
      const limit = 100 + maker.integer(120);
      memory.bytes.fill(0xaa, limit, limit + 600);
      const end = writer.write(value, 100, limit);
      expect(memory.bytes.subarray(limit, limit + 600).every((byte) => byte === 0xaa)).toBe(true);
      expect(end).toBeLessThanOrEqual(limit);
      refused += end < 0 ? 1 : 0;
      // Some are not sent although there was room.
      if (end >= 0 && maker.integer(4) !== 0) {
        writer.isSent = true;
        wrong += isSame(readAt(100), value) ? 0 : 1;
      }
    }
    expect(wrong).toBe(0);
    expect(refused).toBeGreaterThan(100);
  },
);

/** What a getter does that sends something itself. */
function take(): number {
  memory.bytes.fill(0xaa, 0, 200);
  memory.limit = 0;
  return 1;
}

describe('objects', () => {
  test('the second one of a shape is shorter: its keys are known', () => {
    const first = roundTrip({ sensor: 'kitchen', celsius: 21.5 });
    const second = roundTrip({ sensor: 'garage', celsius: 7.25 });
    expect(second.end).toBeLessThan(first.end - 'sensorcelsius'.length);
    expect(second.result).toStrictEqual({ sensor: 'garage', celsius: 7.25 });
  });

  test('the same keys in another order are another shape', () => {
    for (const value of [{ a: 1, b: 2 }, { b: 3, a: 4 }, { a: 5 }, { a: 6, b: 7, c: 8 }, { b: 9, a: 10 }, {}]) {
      expect(isSame(roundTrip(value).result, value)).toBe(true);
    }
  });

  test('objects within objects of the same shape', () => {
    const value = { a: { a: { a: [{ a: 1 }, { b: { a: {} } }] } } };
    for (let round = 0; round < 3; round += 1) {
      expect(isSame(roundTrip(value).result, value)).toBe(true);
    }
  });

  test('an own __proto__ is no prototype', () => {
    const value = JSON.parse('{"__proto__": {"a": 1}, "b": 2}') as object;
    for (let round = 0; round < 3; round += 1) {
      const result = roundTrip(value).result as object;
      expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
      expect(Object.getOwnPropertyDescriptor(result, '__proto__')).toStrictEqual({
        value: { a: 1 },
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
  });

  test('with keys of their own, thousands of them, arrive, and are forgotten again', () => {
    for (let round = 0; round < 10_000; round += 1) {
      const value = { [`key ${round}`]: round, common: [{ [`other ${round % 1000}`]: null }] };
      expect(JSON.stringify(roundTrip(value).result)).toBe(JSON.stringify(value));
    }
  });

  test('a shape that is redefined in a value that is not sent is redefined in the next value', () => {
    for (let round = 0; round < 4000; round += 1) {
      const value = { [`key ${round}`]: round };
      // No room, and not plain.
      expect(writer.write({ [`other ${round}`]: round }, 0, 12)).toBe(-1);
      expect(writer.write([value, new Map()], 0, SIZE)).toBe(-1);
      expect(isSame(roundTrip(value).result, value)).toBe(true);
    }
  });

  test('255 entries are written, more are refused', () => {
    const list = Array.from({ length: 255 }, (_, index) => index);
    const record = Object.fromEntries(list.map((index) => [`k${index}`, index]));
    expect(isSame(roundTrip(list).result, list)).toBe(true);
    expect(isSame(roundTrip(record).result, record)).toBe(true);
    expect(isSame(roundTrip(record).result, record)).toBe(true);
    expect(roundTrip([...list, 0]).end).toBe(-1);
    expect(roundTrip({ ...record, more: 1 }).end).toBe(-1);
  });

  test('an object that occurs twice is refused, also next to itself', () => {
    const inner = {};
    expect(roundTrip([inner, inner]).end).toBe(-1);
    expect(roundTrip({ a: inner, b: { c: inner } }).end).toBe(-1);
    const list: unknown[] = [];
    list.push(list);
    expect(roundTrip(list).end).toBe(-1);
    // That was the last value's business.
    expect(roundTrip([inner]).result).toStrictEqual([inner]);
  });

  test('a getter that throws, or writes a value itself, does not disturb the format', () => {
    const throwing = {
      a: 1,
      get b(): never {
        throw new RangeError('getter');
      },
    };
    expect(() => writer.write(throwing, 0, SIZE)).toThrow('getter');
    let inner = 0;
    const value = {
      a: 1,
      get b(): number {
        inner = writer.write({ c: 1 }, 0, SIZE);
        return 2;
      },
    };
    expect(roundTrip(value).result).toStrictEqual({ a: 1, b: 2 });
    expect(inner).toBe(-1);
    expect(roundTrip({ a: 3, b: 4 }).result).toStrictEqual({ a: 3, b: 4 });
  });
});

test('what a getter writes into the same memory meanwhile arrives as it is', () => {
  const values = [
    {
      a: 'a',
      get b() {
        return take();
      },
      c: 'c',
    },
    [
      1,
      {
        get b() {
          return take();
        },
      },
    ],
    new Proxy({}, { getPrototypeOf: () => (take() > 0 ? Object.prototype : null) }),
    new Proxy([], { getPrototypeOf: () => (take() > 0 ? Array.prototype : null) }),
    new Proxy({ a: 1 }, { get: take }),
  ];
  for (const value of values) {
    expect(writer.write(value, 0, SIZE)).toBe(-1);
    expect(memory.bytes.subarray(0, 200).every((byte) => byte === 0xaa)).toBe(true);
  }
  expect(roundTrip({ a: 'a', b: 2, c: 'c' }).result).toStrictEqual({ a: 'a', b: 2, c: 'c' });
});

describe('when Object.prototype has been changed', () => {
  const prototype = Object.getPrototypeOf({}) as Record<string, unknown>;

  afterEach(() => {
    delete prototype['inherited'];
  });

  test('inherited keys are not sent', () => {
    expect(roundTrip({ a: 1, inherited: 2 }).result).toStrictEqual({ a: 1, inherited: 2 });
    prototype['inherited'] = 3;
    const { end, result } = roundTrip({ a: 1 });
    expect(end < 0 || !Object.hasOwn(result as object, 'inherited')).toBe(true);
  });

  test('a setter of it does not get what arrives', () => {
    const got: unknown[] = [];
    Object.defineProperty(prototype, 'inherited', {
      configurable: true,
      set(value) {
        got.push(value);
      },
    });
    for (let round = 0; round < 2; round += 1) {
      expect(
        Object.getOwnPropertyDescriptor(roundTrip({ inherited: round }).result as object, 'inherited')?.value,
      ).toBe(round);
    }
    expect(got).toEqual([]);
  });
});
