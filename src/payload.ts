/**
 * How a payload travels: numbers in the slot itself; strings, bytes and plain objects in a form that is cheap to make; everything
 * else that structured clone carries as V8 writes it; and what V8 cannot write by itself (SharedArrayBuffers, Blobs, keys) through a
 * channel, with a ticket in its place.
 */

import { Deserializer, Serializer } from 'node:v8';

/** What a record's payload is: the lower bits of its kind. */
export const PAYLOAD_NONE = 0;
export const PAYLOAD_NUMBER = 1;
export const PAYLOAD_STRING = 2;
export const PAYLOAD_BYTES = 3;
export const PAYLOAD_JSON = 4;
export const PAYLOAD_CLONE = 5;
export const PAYLOAD_TICKET = 6;
export const PAYLOAD_MASK = 0x0f;

/** A payload, ready to be written. */
export interface EncodedPayload {
  kind: number;
  value: number;
  data: Uint8Array | undefined;
}

/** How a payload goes that only a channel carries: returns the ticket. Throws a DataCloneError when that does not either. */
export type SendByChannel = (payload: unknown) => number;

/** Objects within objects, and how many of them, that are looked at before an object counts as too much for JSON. */
const PLAIN_DEPTH = 8;
const PLAIN_OBJECTS = 64;

/** Encodes a payload into `encoded`. */
export function encodePayload(payload: unknown, encoded: EncodedPayload, sendByChannel: SendByChannel): void {
  encoded.value = 0;
  encoded.data = undefined;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest is structured clone's
  switch (typeof payload) {
    case 'undefined':
      encoded.kind = PAYLOAD_NONE;
      return;
    case 'number':
      encoded.kind = PAYLOAD_NUMBER;
      encoded.value = payload;
      return;
    case 'string':
      // A lone surrogate is lost in UTF-8.
      if (payload.isWellFormed()) {
        encoded.kind = PAYLOAD_STRING;
        encoded.data = Buffer.from(payload);
        return;
      }
      break;
    case 'object':
      if (isPlainBytes(payload)) {
        encoded.kind = PAYLOAD_BYTES;
        encoded.data = payload;
        return;
      }
      if (payload !== null && isPlain(payload, 0, [])) {
        encoded.kind = PAYLOAD_JSON;
        encoded.data = Buffer.from(JSON.stringify(payload));
        return;
      }
      break;
    default:
  }
  encodeClone(payload, encoded, sendByChannel);
}

function encodeClone(payload: unknown, encoded: EncodedPayload, sendByChannel: SendByChannel): void {
  const serializer = new Serializer();
  serializer.writeHeader();
  try {
    serializer.writeValue(payload);
    encoded.kind = PAYLOAD_CLONE;
    encoded.data = serializer.releaseBuffer();
  } catch {
    // Not V8's, but perhaps Node's; if not, this throws the error that postMessage() would throw.
    encoded.value = sendByChannel(payload);
    encoded.kind = PAYLOAD_TICKET;
  }
}

/** Decodes what {@link encodePayload} encoded; `data` is the receiver's own. */
export function decodePayload(
  kind: number,
  value: number,
  data: Buffer | undefined,
  redeem: (ticket: number) => unknown,
): unknown {
  switch (kind) {
    case PAYLOAD_NUMBER:
      return value;
    case PAYLOAD_STRING:
      return data === undefined ? '' : data.toString();
    case PAYLOAD_BYTES:
      return data === undefined ? new Uint8Array() : new Uint8Array(data.buffer, data.byteOffset, data.length);
    case PAYLOAD_JSON:
      return JSON.parse((data as Buffer).toString());
    case PAYLOAD_CLONE: {
      const deserializer = new Deserializer(data as Buffer);
      deserializer.readHeader();
      return deserializer.readValue();
    }
    case PAYLOAD_TICKET:
      return redeem(value);
    default:
      return undefined;
  }
}

/** Bytes that are no more than their bytes: no subclass, no view of shared memory. */
function isPlainBytes(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Uint8Array.prototype || prototype === Buffer.prototype;
}

/**
 * Whether JSON carries an object unharmed: plain objects and dense arrays of null, booleans, finite numbers, strings and more of the
 * same, each object once. Anything with a behaviour of its own is structured clone's.
 */
function isPlain(object: object, depth: number, seen: object[]): boolean {
  if (depth > PLAIN_DEPTH || seen.length >= PLAIN_OBJECTS || seen.includes(object)) {
    return false;
  }
  seen.push(object);
  const isArray = Array.isArray(object);
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== (isArray ? Array.prototype : Object.prototype) || Object.getOwnPropertySymbols(object).length > 0) {
    return false;
  }
  // JSON would call it, also one that is not enumerable.
  if ('toJSON' in object) {
    return false;
  }
  const names = Object.keys(object);
  // Indices come first: when the last name is one, there are no others, and no holes when there are as many as its length.
  if (isArray && (names.length !== object.length || (names.at(-1) ?? '-1') !== String(object.length - 1))) {
    return false;
  }
  for (const name of names) {
    // A getter runs here, and once more when the object is written; structured clone runs it too.
    if (!isPlainValue((object as Record<string, unknown>)[name], depth, seen)) {
      return false;
    }
  }
  return true;
}

function isPlainValue(value: unknown, depth: number, seen: object[]): boolean {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest is structured clone's
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || isPlain(value, depth + 1, seen);
    default:
      return false;
  }
}
