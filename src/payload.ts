/** How a payload travels: numbers in the slot itself, strings and bytes as they are, the rest as structured clone writes it. */

import { deserialize, serialize } from 'node:v8';

/** What a record's payload is: the lower bits of its kind. */
export const PAYLOAD_NONE = 0;
export const PAYLOAD_NUMBER = 1;
export const PAYLOAD_STRING = 2;
export const PAYLOAD_BYTES = 3;
export const PAYLOAD_BUFFER = 4;
export const PAYLOAD_CLONE = 5;
export const PAYLOAD_MASK = 0x0f;

/** A payload, ready to be written. */
export interface EncodedPayload {
  kind: number;
  value: number;
  data: Uint8Array | undefined;
}

/** Encodes a payload into `encoded`. Throws a DataCloneError for what cannot be cloned. */
export function encodePayload(payload: unknown, encoded: EncodedPayload): void {
  encoded.value = 0;
  encoded.data = undefined;
  if (payload === undefined) {
    encoded.kind = PAYLOAD_NONE;
  } else if (typeof payload === 'number') {
    encoded.kind = PAYLOAD_NUMBER;
    encoded.value = payload;
  } else if (typeof payload === 'string' && payload.isWellFormed()) {
    encoded.kind = PAYLOAD_STRING;
    encoded.data = Buffer.from(payload);
  } else if (payload instanceof Uint8Array && isPlainBytes(payload)) {
    encoded.kind = Buffer.isBuffer(payload) ? PAYLOAD_BUFFER : PAYLOAD_BYTES;
    encoded.data = payload;
  } else {
    encoded.kind = PAYLOAD_CLONE;
    encoded.data = serialize(payload);
  }
}

/** Decodes what {@link encodePayload} encoded; `data` is the receiver's own. */
export function decodePayload(kind: number, value: number, data: Buffer | undefined): unknown {
  switch (kind) {
    case PAYLOAD_NUMBER:
      return value;
    case PAYLOAD_STRING:
      return data?.toString() ?? '';
    case PAYLOAD_BYTES:
      return new Uint8Array(data ?? []);
    case PAYLOAD_BUFFER:
      return data ?? Buffer.alloc(0);
    case PAYLOAD_CLONE:
      return deserialize(data as Buffer);
    default:
      return undefined;
  }
}

/** A subclass, or bytes with properties of their own, are more than their bytes; structured clone decides about them. */
function isPlainBytes(bytes: Uint8Array): boolean {
  const prototype: unknown = Object.getPrototypeOf(bytes);
  return prototype === Uint8Array.prototype || prototype === Buffer.prototype;
}
