import { isDeepStrictEqual, types } from 'node:util';

import { describe, expect, test } from '@jest/globals';

import {
  type EncodedPayload,
  RecordReader,
  PAYLOAD_BYTES,
  PAYLOAD_CLONE,
  PAYLOAD_CONSTANT,
  PAYLOAD_NONE,
  PAYLOAD_NUMBER,
  PAYLOAD_PLAIN,
  PAYLOAD_CLAIM,
  PayloadWriter,
  RingWriter,
  encodePayload,
  makeRingMemory,
} from '../support/internals';
import { toPlain } from '../support/plain-copy';

/** Sends a payload through a ring: as what, and what arrives. */
function send(payload: unknown): { kind: number; result: unknown } {
  const memory = makeRingMemory({ slots: 2, bytes: 1 << 22 });
  const producer = new RingWriter(memory);
  const sideChannel: unknown[] = [];
  if (!new PayloadWriter(producer).push(0, 0, payload, 0, 0)) {
    const encoded: EncodedPayload = { kind: -1, value: Number.NaN, data: undefined };
    encodePayload(payload, encoded, (unwritable) => {
      sideChannel.push(structuredClone(unwritable));
      return sideChannel.length - 1;
    });
    producer.push(encoded.kind, 0, encoded.value, 0, 0, encoded.data);
  }
  const mail = new RecordReader(memory, (claim) => sideChannel[claim]);
  const { kind } = mail.record;
  return { kind, result: mail.readPayload() };
}

/** There and back. */
function roundTrip(payload: unknown): unknown {
  return send(payload).result;
}

class Point {
  x = 1;
  #secret = 2;

  get secret(): number {
    return this.#secret;
  }
}

const shared = { shared: true };

const cyclic: Record<string, unknown> = { name: 'cyclic' };
cyclic['self'] = cyclic;

// oxlint-disable-next-line no-sparse-arrays -- that is the point
const sparse = [1, , 3];

const withProperty: unknown[] & { extra?: number } = [1, 2];
withProperty.extra = 5;

// oxlint-disable-next-line no-sparse-arrays -- as above
const sparseWithProperty: unknown[] & { extra?: number } = Object.assign([, 1], { extra: 5 });

// oxlint-disable-next-line no-sparse-arrays -- as above
const holes: unknown[] = [, , ,];

function makeArguments(..._values: unknown[]): unknown {
  return arguments;
}

function refuse(): never {
  throw new Error('called');
}

function makeModule(): unknown {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => unknown } };
  return new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
}

function makeResizable(): Uint8Array {
  const buffer = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(4, {
    maxByteLength: 8,
  });
  return new Uint8Array(buffer);
}

function deep(levels: number): unknown {
  return levels === 0 ? 'bottom' : { next: deep(levels - 1) };
}

describe('a round trip', () => {
  test.each<[what: string, payload: unknown, kind: number | undefined]>([
    ['undefined', undefined, PAYLOAD_NONE],
    ['a number', 5, PAYLOAD_NUMBER],
    ['a fraction', 0.1, PAYLOAD_NUMBER],
    ['-0', -0, PAYLOAD_NUMBER],
    ['NaN', Number.NaN, PAYLOAD_NUMBER],
    ['infinities', Number.NEGATIVE_INFINITY, PAYLOAD_NUMBER],
    ['the greatest number', Number.MAX_VALUE, PAYLOAD_NUMBER],
    ['the least number', Number.MIN_VALUE, PAYLOAD_NUMBER],
    ['2^53', 2 ** 53, PAYLOAD_NUMBER],
    ['a string', 'string', PAYLOAD_PLAIN],
    ['an empty string', '', PAYLOAD_PLAIN],
    ['a string of all planes', 'aä€😀\u0000\uFEFF', PAYLOAD_PLAIN],
    ['a string that begins with a byte order mark', '\uFEFFa', PAYLOAD_PLAIN],
    ['a lone surrogate', 'a\uD800b', PAYLOAD_PLAIN],
    ['a lone surrogate at the end', '\uDC00', PAYLOAD_PLAIN],
    ['a long string', 'x'.repeat(1e6), PAYLOAD_PLAIN],
    ['null', null, PAYLOAD_CONSTANT],
    ['true', true, PAYLOAD_CONSTANT],
    ['false', false, PAYLOAD_CONSTANT],
    ['a BigInt', -(2n ** 70n), PAYLOAD_CLONE],
    ['a plain object', { a: 1, b: 'two', c: null, d: false }, PAYLOAD_PLAIN],
    ['an empty object', {}, PAYLOAD_PLAIN],
    ['a dense array', [1, 'two', [3, [4]], { five: [] }], PAYLOAD_PLAIN],
    ['an empty array', [], PAYLOAD_PLAIN],
    ['nested objects', { a: { b: { c: { d: [{ e: 'f' }] } } } }, PAYLOAD_PLAIN],
    ['a lone surrogate in an object', { 'k\uD800': 'v\uDC00' }, PAYLOAD_PLAIN],
    ['undefined in an object', { a: undefined, b: 1 }, PAYLOAD_PLAIN],
    ['undefined in an array', [undefined], PAYLOAD_PLAIN],
    ['-0 in an object', { a: -0 }, PAYLOAD_PLAIN],
    ['NaN in an array', [Number.NaN, Infinity], PAYLOAD_PLAIN],
    ['a BigInt in an object', { a: 1n }, PAYLOAD_CLONE],
    ['a Date in an object', { a: new Date(5) }, PAYLOAD_CLONE],
    ['an own property named __proto__', JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), PAYLOAD_PLAIN],
    ['keys that are numbers', { 2: 'b', 1: 'a', x: 'c' }, PAYLOAD_PLAIN],
    ['a key of no characters', { '': 1 }, PAYLOAD_PLAIN],
    ['what is deeper than the writer goes', deep(50), PAYLOAD_CLONE],
    ['more objects than the writer counts', Array.from({ length: 1000 }, (_, index) => ({ index })), PAYLOAD_CLONE],
    ['a Date', new Date(123.9), PAYLOAD_CLONE],
    ['an invalid Date', new Date(Number.NaN), PAYLOAD_CLONE],
    ['a RegExp', /a+(?<b>.)/giu, PAYLOAD_CLONE],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, new Map([[1, 2]])],
      ]),
      PAYLOAD_CLONE,
    ],
    ['a Set', new Set([1, 'a', new Date(3)]), PAYLOAD_CLONE],
    ['boxed primitives', [Object(1), Object('s'), Object(true), Object(5n)], PAYLOAD_CLONE],
    ['a Uint8Array', Uint8Array.of(1, 2, 255), PAYLOAD_BYTES],
    ['an empty Uint8Array', new Uint8Array(), PAYLOAD_BYTES],
    ['an Int16Array', Int16Array.of(-1, 2), PAYLOAD_CLONE],
    ['bytes of a buffer that can be resized', makeResizable(), PAYLOAD_CLONE],
    ['a Float64Array', Float64Array.of(-0, Number.NaN), PAYLOAD_CLONE],
    ['a BigInt64Array', BigInt64Array.of(-1n), PAYLOAD_CLONE],
    ['a Uint8ClampedArray', Uint8ClampedArray.of(1), PAYLOAD_CLONE],
    ['an ArrayBuffer', Uint8Array.of(1, 2, 3).buffer, PAYLOAD_CLONE],
    ['a DataView', new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2), PAYLOAD_CLONE],
    ['typed arrays in an object', { a: Uint8Array.of(1), b: [Float32Array.of(0.5)] }, PAYLOAD_CLONE],
    ['an array with holes', sparse, PAYLOAD_CLONE],
    ['an array with a property', withProperty, PAYLOAD_CLONE],
    ['an array with a hole for each property', sparseWithProperty, PAYLOAD_CLONE],
    ['an array of nothing but holes', holes, PAYLOAD_CLONE],
  ])('%s', (_what, payload, kind) => {
    const { kind: sentAs, result } = send(payload);
    expect(sentAs).toBe(kind);
    expect(isDeepStrictEqual(toPlain(result), toPlain(structuredClone(payload)))).toBe(true);
    expect(Object.is(result, payload) || typeof payload === 'object').toBe(true);
  });

  test('what is shared is shared, and a cycle is one', () => {
    const [first, second, third] = roundTrip([shared, shared, { shared }]) as [object, object, { shared: object }];
    expect(first).toBe(second);
    expect(third.shared).toBe(first);
    const result = roundTrip(cyclic) as typeof cyclic;
    expect(result['self']).toBe(result);
    expect(result['name']).toBe('cyclic');
    const buffer = new ArrayBuffer(8);
    const [left, right] = roundTrip([new Uint8Array(buffer), new Float64Array(buffer)]) as [Uint8Array, Float64Array];
    expect(left.buffer).toBe(right.buffer);
  });

  test('an array with holes keeps them', () => {
    const result = roundTrip(sparse) as unknown[];
    expect([result.length, 1 in result, Object.keys(result)]).toEqual([3, false, ['0', '2']]);
    const other = roundTrip(sparseWithProperty) as unknown[] & { extra?: number };
    expect([0 in other, other.extra]).toEqual([false, 5]);
  });

  test('an error keeps what structured clone carries', () => {
    const result = roundTrip(new RangeError('message')) as Error;
    expect([result.name, result.message, types.isNativeError(result)]).toEqual(['RangeError', 'message', true]);
    expect(result.stack).toContain('payload.test');
    const nested = roundTrip({ error: new Error('inner') }) as { error: Error };
    expect(nested.error.message).toBe('inner');
  });

  test('an instance of a class becomes a plain object, as for structured clone', () => {
    const result = roundTrip(new Point()) as object;
    expect(Object.keys(result)).toEqual(['x']);
    expect(result.constructor.name).toBe('Object');
    expect(roundTrip(Object.create(null, { a: { value: 1, enumerable: true } }))).toEqual({ a: 1 });
    expect(roundTrip({ point: new Point() })).toEqual({ point: { x: 1 } });
  });

  test('toJSON() is not called', () => {
    class Clever {
      a = 1;

      toJSON(): never {
        return refuse();
      }
    }
    expect(roundTrip(new Clever())).toEqual({ a: 1 });
    expect(roundTrip({ nested: [new Clever()] })).toEqual({ nested: [{ a: 1 }] });
    // One that is a value is a value, and one that is not enumerable is not there.
    expect(roundTrip({ toJSON: 5, nested: { toJSON: 'x' } })).toEqual({ toJSON: 5, nested: { toJSON: 'x' } });
    expect(roundTrip(Object.defineProperty({ a: 1 }, 'toJSON', { value: refuse }))).toEqual({ a: 1 });
    expect(roundTrip([Object.defineProperty({ a: 1 }, 'toJSON', { value: refuse })])).toEqual([{ a: 1 }]);
  });

  test('what is not enumerable, and what has a symbol for a name, stays behind', () => {
    const payload = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3 });
    expect(Reflect.ownKeys(roundTrip(payload) as object)).toEqual(['a']);
  });

  test('a getter is read', () => {
    expect(
      roundTrip({
        get a() {
          return 5;
        },
      }),
    ).toEqual({ a: 5 });
  });

  test('a Buffer becomes a Uint8Array of its own bytes', () => {
    const buffer = Buffer.from('pooled');
    const result = roundTrip(buffer) as Uint8Array;
    expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
    expect([...result]).toEqual([...buffer]);
    const nested = roundTrip({ buffer }) as { buffer: Uint8Array };
    expect(Buffer.isBuffer(nested.buffer)).toBe(false);
    expect([...nested.buffer]).toEqual([...buffer]);
  });

  test('a view has its part of its buffer', () => {
    expect(roundTrip(new Uint8Array(Uint8Array.of(0, 1, 2, 3).buffer, 1, 2))).toEqual(Uint8Array.of(1, 2));
  });

  test('a subclass of Uint8Array is what structured clone makes of it', () => {
    class Special extends Uint8Array {}
    const result = roundTrip(Special.of(1, 2)) as Uint8Array;
    expect([result.constructor.name, ...result]).toEqual(['Uint8Array', 1, 2]);
  });

  test('a payload that only a message channel carries is sent as the number of its message', () => {
    for (const payload of [
      new SharedArrayBuffer(4),
      { a: new SharedArrayBuffer(4) },
      new Uint8Array(new SharedArrayBuffer(4)),
    ]) {
      expect(send(payload)).toEqual({ kind: PAYLOAD_CLAIM, result: structuredClone(payload) });
    }
  });

  test.each<[what: string, payload: unknown]>([
    ['an instance of a class, whose constructor may have marked it', new Point()],
    ['an instance among many', [...Array.from({ length: 100 }, () => ({})), new Point()]],
    ['an instance in a map', new Map([['key', new Point()]])],
    ['an error whose cause is an instance', new Error('m', { cause: new Point() })],
    ['a WebAssembly module', makeModule()],
  ])('%s is sent like that, too', (_what, payload) => {
    expect(send(payload).kind).toBe(PAYLOAD_CLAIM);
  });

  test('such a payload has no bytes of what one of its getters has encoded meanwhile', () => {
    const encoded: EncodedPayload = { kind: 0, value: 0, data: undefined };
    const payload = {
      get inner() {
        encodePayload(Uint8Array.of(1), encoded, () => 1);
        return new SharedArrayBuffer(1);
      },
    };
    encodePayload(payload, encoded, () => 7);
    expect(encoded).toEqual({ kind: PAYLOAD_CLAIM, value: 7, data: undefined });
  });

  test.each<[what: string, payload: unknown]>([
    ['a symbol', Symbol('s')],
    ['a function', () => {}],
    ['a symbol in an object', { a: [Symbol('s')] }],
    ['a function in an object', { a: () => {} }],
    ['a WeakMap', new WeakMap()],
    ['a promise', Promise.resolve()],
    ['a proxy', new Proxy({ a: 1 }, {})],
    ['a proxy in an object', { a: new Proxy([1], {}) }],
    ['a proxy of bytes', new Proxy(new Uint8Array(1), {})],
    ['an arguments object', makeArguments(1, 2)],
    ['an arguments object without entries', makeArguments()],
    ['a function among many', [...Array.from({ length: 100 }, () => ({})), () => {}]],
  ])('%s is a DataCloneError', (_what, payload) => {
    let name = 'nothing';
    try {
      send(payload);
    } catch (error) {
      ({ name } = error as Error);
    }
    expect(name).toBe('DataCloneError');
  });

  test('what a getter throws is thrown', () => {
    const payload = {
      get a(): never {
        throw new RangeError('getter');
      },
    };
    expect(() => send(payload)).toThrow('getter');
  });
});
