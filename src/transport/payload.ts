/**
 * How a payload travels:
 *
 * - Numbers and other constants are in the slot of the record itself.
 * - Strings and plain objects are written directly into the ring (`value-format.ts`); bytes are copied there.
 * - Maps, dates, larger objects and other values of the language are written by V8's serializer
 *   (`clone-by-v8.ts` decides).
 * - The rest of what structured clone carries (SharedArrayBuffers, Blobs, keys) goes through the side channel. The
 *   record has the number by which it is claimed there.
 */

import { Buffer } from 'node:buffer';

import { hasSerializer, v8 } from '../platform';
import { isClonedByV8 } from './clone-by-v8';
import { ValueWriter } from './value-writer';
import type { RingWriter } from './ring-writer';

/** How the payload of a record travels: the lower bits of its kind. */
export const PAYLOAD_NONE = 0;
export const PAYLOAD_NUMBER = 1;
/** The value is an index in {@link CONSTANTS}. */
export const PAYLOAD_CONSTANT = 2;
export const PAYLOAD_PLAIN = 3;
export const PAYLOAD_BYTES = 4;
export const PAYLOAD_CLONE = 5;
export const PAYLOAD_CLAIM = 6;
export const PAYLOAD_MASK = 0x0f;

export const CONSTANTS: readonly unknown[] = [null, false, true];

/** A payload that is ready to be written. */
export interface EncodedPayload {
  kind: number;
  value: number;
  data: Uint8Array | undefined;
}

/**
 * Sends a payload through the side channel, and returns the number to claim it by. Throws a DataCloneError if it
 * cannot.
 */
export type SendByChannel = (payload: unknown) => number;

/** With less room than this, the ring asks how far the reader is before a plain value is tried. */
const WANTED_BYTES = 4096;

/** Writes payloads directly into a ring. */
export class PayloadWriter {
  readonly #ring: RingWriter;
  readonly #plain: ValueWriter;
  /** Whether the last payload of those that may be either were bytes, and not a plain object. */
  #wereBytes = false;

  constructor(ring: RingWriter) {
    this.#ring = ring;
    this.#plain = new ValueWriter(ring);
  }

  /**
   * Writes one record. Returns false, and writes nothing, if there is no room at present or the payload is not simple;
   * then the caller has to encode it.
   */
  push(kind: number, arg: number, payload: unknown, time: number, id: number): boolean {
    const ring = this.#ring;
    if (typeof payload === 'number') {
      return ring.pushValue(kind | PAYLOAD_NUMBER, arg, payload, time, id);
    }
    if (payload === undefined) {
      return ring.pushValue(kind | PAYLOAD_NONE, arg, 0, time, id);
    }
    return this.#pushOther(kind, arg, payload, time, id);
  }

  #pushOther(kind: number, arg: number, payload: unknown, time: number, id: number): boolean {
    const ring = this.#ring;
    if (typeof payload === 'object' && payload !== null) {
      // What came last comes again: it is tried first.
      if (!this.#wereBytes && this.#pushPlain(kind, arg, payload, time, id)) {
        return true;
      }
      const areBytes = isPlainBytes(payload);
      const wereBytes = this.#wereBytes;
      this.#wereBytes = areBytes;
      return areBytes
        ? ring.push(kind | PAYLOAD_BYTES, arg, 0, time, id, payload)
        : wereBytes && this.#pushPlain(kind, arg, payload, time, id);
    }
    if (payload === null || typeof payload === 'boolean') {
      return ring.pushValue(kind | PAYLOAD_CONSTANT, arg, CONSTANTS.indexOf(payload), time, id);
    }
    return typeof payload === 'string' && this.#pushPlain(kind, arg, payload, time, id);
  }

  #pushPlain(kind: number, arg: number, payload: unknown, time: number, id: number): boolean {
    const ring = this.#ring;
    if (!ring.hasSlot()) {
      return false;
    }
    // The ring may grow here.
    const room = ring.byteRoom(WANTED_BYTES);
    const start = ring.byteOffset;
    const end = this.#plain.write(payload, start, start + room);
    if (end < 0) {
      return false;
    }
    if (!ring.hasSlot() || ring.limit === 0) {
      // A getter of the payload has used the last slot.
      return false;
    }
    ring.pushWritten(kind | PAYLOAD_PLAIN, arg, time, id, end - start);
    // An assignment, because a call can fail for want of stack. The record is in the ring by now.
    this.#plain.isSent = true;
    return true;
  }
}

/** Encodes a payload that {@link PayloadWriter.push} cannot write, into `encoded`. */
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
  const data = isClonedByV8(payload) ? serialize(payload) : undefined;
  if (data === undefined) {
    // Node carries what V8 alone cannot. If it does not, this throws the error that postMessage() would throw.
    encoded.value = sendByChannel(payload);
    encoded.kind = PAYLOAD_CLAIM;
  } else {
    encoded.kind = PAYLOAD_CLONE;
  }
  // A getter of the payload may have encoded something else meanwhile.
  encoded.data = data;
}

/** Returns what V8's serializer makes of a payload; undefined if it cannot. */
function serialize(payload: unknown): Uint8Array | undefined {
  try {
    if (!hasSerializer) {
      return v8().serialize(payload);
    }
    const serializer = new (v8().Serializer)();
    serializer.writeHeader();
    serializer.writeValue(payload);
    return serializer.releaseBuffer();
  } catch {
    return undefined;
  }
}

/** Decodes the result of {@link encodeClone}. */
export function decodeClone(data: Uint8Array): unknown {
  if (!hasSerializer) {
    return v8().deserialize(data);
  }
  const deserializer = new (v8().Deserializer)(data);
  deserializer.readHeader();
  return deserializer.readValue();
}

/**
 * Tells whether a value is bytes and nothing more: no proxy, no instance of a subclass, no view of shared memory or of
 * a buffer that can be resized, which arrives as such.
 */
function isPlainBytes(value: unknown): value is Uint8Array {
  if (!ArrayBuffer.isView(value) || !(value instanceof Uint8Array)) {
    return false;
  }
  // Each look at it costs 35 ns.
  const { buffer } = value;
  if (!(buffer instanceof ArrayBuffer) || (buffer as { resizable?: boolean }).resizable === true) {
    return false;
  }
  // V8 learns the shape of the value by reading this, and then knows its prototype without a call.
  if (value.constructor === undefined) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Uint8Array.prototype && prototype !== Buffer.prototype) {
    return false;
  }
  // Bytes whose buffer was transferred are an error, not empty.
  return value.length > 0 || !isDetached(buffer);
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}
