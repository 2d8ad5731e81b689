/**
 * Payloads in the store: JSON where JSON is faithful, otherwise the bytes of a structured clone. Both stores keep text,
 * so the bytes are base64. A task of another language has `{ "json": … }`.
 */

import { deserialize, serialize } from 'node:v8';

import { InvalidArgValueError } from 'waitable-event';

import { PayloadTooLargeError } from './errors';

/** A value as it is stored. */
export type Encoded = { json: unknown } | { v8: string };

/** Deeper values are cloned: the check below calls itself. */
const DEEPEST = 64;

/** PostgreSQL stores no NUL in JSON. A lone surrogate has no UTF-8. */
function isFaithfulText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** Sums up the length of a value as JSON, or returns NaN for one that JSON would change. `seen` has all its objects. */
function jsonSize(value: unknown, seen: Set<object>, depth: number): number {
  switch (typeof value) {
    case 'boolean':
      return 5;
    case 'string':
      return isFaithfulText(value) ? value.length * 3 + 2 : NaN;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? 25 : NaN;
    case 'object':
      return value === null ? 4 : objectSize(value, seen, depth);
    case 'bigint':
    case 'function':
    case 'symbol':
    case 'undefined':
    default:
      return NaN;
  }
}

function objectSize(value: object, seen: Set<object>, depth: number): number {
  // The same object twice stays one object in a structured clone.
  if (seen.has(value) || depth > DEEPEST || typeof (value as { toJSON?: unknown }).toJSON === 'function') return NaN;
  seen.add(value);
  const keys = Reflect.ownKeys(value);
  if (Array.isArray(value)) {
    // Its length is a key, too. An array with holes has fewer.
    if (keys.length !== value.length + 1) return NaN;
    return value.reduce((sum: number, entry: unknown) => sum + 1 + jsonSize(entry, seen, depth + 1), 2);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return NaN;
  let size = 2;
  for (const key of keys) {
    if (typeof key === 'symbol' || key === '__proto__' || !isFaithfulText(key)) return NaN;
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property?.enumerable !== true || !('value' in property)) return NaN;
    size += key.length * 3 + 4 + jsonSize(property.value, seen, depth + 1);
  }
  return size;
}

/**
 * Returns a payload as it is stored. Throws `ERR_PAYLOAD_TOO_LARGE`, `ERR_INVALID_ARG_VALUE` for shared memory, and the
 * DataCloneError for what cannot be cloned.
 */
export function encode(payload: unknown, limit: number): Encoded {
  const estimate = jsonSize(payload, new Set(), 0);
  if (!Number.isNaN(estimate)) {
    const size = estimate <= limit ? estimate : Buffer.byteLength(JSON.stringify(payload));
    if (size > limit) throw new PayloadTooLargeError(size, limit);
    return { json: payload };
  }
  const bytes = serializeChecked(payload);
  if (bytes.length > limit) throw new PayloadTooLargeError(bytes.length, limit);
  return { v8: bytes.toString('base64') };
}

function serializeChecked(payload: unknown): Buffer {
  try {
    return serialize(payload);
  } catch (error) {
    const { message, name } = error as Error;
    if (message.includes('SharedArrayBuffer')) {
      throw new InvalidArgValueError('payload', 'without a SharedArrayBuffer: it leaves this process', payload);
    }
    // `structuredClone()` names it so; `v8.serialize()` throws a plain Error.
    throw name === 'Error' ? new DOMException(message, 'DataCloneError') : error;
  }
}

/** Returns what {@link encode} has stored. */
export function decode(stored: Partial<{ json: unknown; v8: string }> | null | undefined): unknown {
  return typeof stored?.v8 === 'string' ? deserialize(Buffer.from(stored.v8, 'base64')) : stored?.json;
}
