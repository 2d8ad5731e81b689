/**
 * How a payload travels: numbers and other constants in the slot itself; strings and plain objects written straight into the ring
 * (`plain-format.ts`), and bytes copied there; everything else that structured clone carries as V8 writes it; and what V8 cannot write by
 * itself (SharedArrayBuffers, Blobs, keys) through a channel, with a ticket in its place.
 */

import { v8 } from '../platform/lazy-builtins';
import { ValueWriter } from './value-writer';
import type { RingWriter } from './ring';

/** What a record's payload is: the lower bits of its kind. */
export const PAYLOAD_NONE = 0;
export const PAYLOAD_NUMBER = 1;
/** `null`, `false` or `true`, by the number. */
export const PAYLOAD_CONSTANT = 2;
export const PAYLOAD_PLAIN = 3;
export const PAYLOAD_BYTES = 4;
export const PAYLOAD_CLONE = 5;
export const PAYLOAD_CLAIM = 6;
export const PAYLOAD_MASK = 0x0f;

export const CONSTANTS: readonly unknown[] = [null, false, true];

/** A payload, ready to be written. */
export interface EncodedPayload {
  kind: number;
  value: number;
  data: Uint8Array | undefined;
}

/** How a payload goes that only a channel carries: returns the ticket. Throws a DataCloneError when that does not either. */
export type SendByChannel = (payload: unknown) => number;

/** What is left free of the bytes that a plain value is tried in: with less than this there may as well be none. */
const WANTED_BYTES = 4096;

/** Writes payloads straight into a ring. */
export class PayloadWriter {
  readonly #ring: RingWriter;
  readonly #plain: ValueWriter;

  constructor(ring: RingWriter) {
    this.#ring = ring;
    this.#plain = new ValueWriter(ring);
  }

  /**
   * Writes one record; false when it cannot be done in place, because there is no room just now or the payload is none of the simple
   * ones. There is no trace of it then, and it has to be encoded.
   */
  push(kind: number, name: number, payload: unknown, time: number, id: number): boolean {
    const ring = this.#ring;
    if (typeof payload === 'number') {
      return ring.pushValue(kind | PAYLOAD_NUMBER, name, payload, time, id);
    }
    if (typeof payload === 'object') {
      if (payload === null) {
        return ring.pushValue(kind | PAYLOAD_CONSTANT, name, 0, time, id);
      }
      return isPlainBytes(payload)
        ? ring.push(kind | PAYLOAD_BYTES, name, 0, time, id, payload)
        : this.#pushPlain(kind, name, payload, time, id);
    }
    if (payload === undefined) {
      return ring.pushValue(kind | PAYLOAD_NONE, name, 0, time, id);
    }
    if (typeof payload === 'boolean') {
      return ring.pushValue(kind | PAYLOAD_CONSTANT, name, payload ? 2 : 1, time, id);
    }
    return typeof payload === 'string' && this.#pushPlain(kind, name, payload, time, id);
  }

  #pushPlain(kind: number, name: number, payload: unknown, time: number, id: number): boolean {
    const ring = this.#ring;
    if (!ring.hasSlot()) {
      return false;
    }
    const start = ring.byteOffset;
    const end = this.#plain.write(payload, start, start + ring.byteRoom(WANTED_BYTES));
    if (end < 0) {
      return false;
    }
    if (!ring.hasSlot()) {
      // A getter has taken the last one.
      this.#plain.forget();
      return false;
    }
    this.#plain.keep();
    ring.pushWritten(kind | PAYLOAD_PLAIN, name, time, id, end - start);
    return true;
  }
}

/** Encodes a payload that cannot be written in place into `encoded`. */
export function encodePayload(payload: unknown, encoded: EncodedPayload, sendByChannel: SendByChannel): void {
  encoded.value = 0;
  encoded.data = undefined;
  if (payload === undefined) {
    encoded.kind = PAYLOAD_NONE;
  } else if (typeof payload === 'number') {
    encoded.kind = PAYLOAD_NUMBER;
    encoded.value = payload;
  } else if (isPlainBytes(payload)) {
    encoded.kind = PAYLOAD_BYTES;
    encoded.data = payload;
  } else {
    encodeClone(payload, encoded, sendByChannel);
  }
}

function encodeClone(payload: unknown, encoded: EncodedPayload, sendByChannel: SendByChannel): void {
  const serializer = new (v8().Serializer)();
  serializer.writeHeader();
  try {
    serializer.writeValue(payload);
    encoded.kind = PAYLOAD_CLONE;
    encoded.data = serializer.releaseBuffer();
  } catch {
    // Not V8's, but perhaps Node's; if not, this throws the error that postMessage() would throw.
    encoded.value = sendByChannel(payload);
    encoded.kind = PAYLOAD_CLAIM;
    // A getter may have sent something else meanwhile.
    encoded.data = undefined;
  }
}

/** Decodes what {@link encodeClone} made. */
export function decodeClone(data: Uint8Array): unknown {
  const deserializer = new (v8().Deserializer)(data);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** Bytes that are no more than their bytes: no subclass, no view of shared memory. */
function isPlainBytes(value: unknown): value is Uint8Array {
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Uint8Array.prototype && prototype !== Buffer.prototype) {
    return false;
  }
  // Bytes whose buffer was moved away are an error, not empty.
  return value.length > 0 || !isDetached(value.buffer);
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}
