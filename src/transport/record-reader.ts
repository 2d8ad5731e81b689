/** The reading side of a ring, put together: pieces become whole payloads, and tickets what they stand for. */

import { workerThreads } from '../platform/lazy-builtins';

import {
  CONSTANTS,
  PAYLOAD_BYTES,
  PAYLOAD_CLONE,
  PAYLOAD_CONSTANT,
  PAYLOAD_MASK,
  PAYLOAD_NUMBER,
  PAYLOAD_PLAIN,
  PAYLOAD_CLAIM,
  decodeClone,
} from './payload';
import { ValueReader } from './value-reader';
import { RingReader, type RingMemory } from './ring-layout';

/** Small payloads share a buffer with others that came with them, as Node's own do: to make one costs more than to copy them. */
const POOL_BYTES = 16 * 1024;
const POOLED_BYTES = 4096;

/** The records of one ring. */
export class RecordReader {
  readonly #ring: RingReader;
  readonly #plain: ValueReader;
  readonly #claimPayload: (claim: number) => unknown;
  #pieces: Uint8Array[] = [];
  /** The record whose payload they are a part of. */
  #piecesOf = 0;
  #pool = new ArrayBuffer(0);
  #poolUsed = 0;

  constructor(memory: RingMemory, claimPayload: (claim: number) => unknown) {
    this.#ring = new RingReader(memory);
    this.#plain = new ValueReader(this.#ring);
    this.#claimPayload = claimPayload;
  }

  /** The record that is next. */
  get record(): RingReader {
    return this.#ring;
  }

  get available(): number {
    return this.#ring.available;
  }

  /** Whether a payload has begun to come and not ended. */
  get isIncomplete(): boolean {
    return this.#pieces.length > 0;
  }

  // A record is left behind before its bytes are read: they stay where they are until `publish()`.

  /** Takes the record, a piece of the payload of a later one that has the same id. */
  readPiece(): void {
    const { byteOffset, size, id } = this.#ring;
    this.#dropPieces(id);
    this.#piecesOf = id;
    this.#ring.advance();
    this.#pieces.push(this.#copy(byteOffset, size));
  }

  /** Takes the record, with the pieces that came before it, and returns its payload. */
  readPayload(): unknown {
    const ring = this.#ring;
    const { kind, value } = ring;
    const form = kind & PAYLOAD_MASK;
    if (form > PAYLOAD_NUMBER) {
      return this.#readLarger(form, value);
    }
    // It has no bytes, and need not be asked for them.
    ring.skip();
    return form === PAYLOAD_NUMBER ? value : undefined;
  }

  /** Gives the room back; true when the writer is to be woken for it. */
  publish(): boolean {
    return this.#ring.publish();
  }

  #readLarger(form: number, value: number): unknown {
    if (this.#pieces.length > 0) {
      this.#dropPieces(this.#ring.id);
    }
    const { byteOffset, size } = this.#ring;
    this.#ring.advance();
    switch (form) {
      case PAYLOAD_CONSTANT:
        return CONSTANTS[value];
      case PAYLOAD_PLAIN:
        return this.#plain.read(byteOffset);
      case PAYLOAD_BYTES:
        return this.#readBytes(byteOffset, size);
      case PAYLOAD_CLONE:
        return decodeClone(this.#readBytes(byteOffset, size));
      case PAYLOAD_CLAIM:
        return this.#claimPayload(value);
      default:
        return undefined;
    }
  }

  /** Lets go of pieces of another payload than that of the record `id`: its writer could not finish it. */
  #dropPieces(id: number): void {
    if (this.#piecesOf !== id) {
      this.#pieces = [];
    }
  }

  /** The record's bytes, behind those of its pieces. */
  #readBytes(byteOffset: number, size: number): Uint8Array {
    const last = this.#copy(byteOffset, size);
    if (this.#pieces.length === 0) {
      return last;
    }
    const pieces = [...this.#pieces, last];
    this.#pieces = [];
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let length = 0;
    for (const piece of pieces) {
      whole.set(piece, length);
      length += piece.length;
    }
    return whole;
  }

  /** The receiver's own copy of the record's bytes. */
  #copy(byteOffset: number, size: number): Uint8Array {
    const copy = size < POOLED_BYTES ? this.#allocate(size) : new Uint8Array(makeBuffer(size));
    copy.set(new Uint8Array(this.#ring.bytes.buffer, byteOffset, size));
    return copy;
  }

  #allocate(size: number): Uint8Array {
    if (this.#poolUsed + size > this.#pool.byteLength) {
      this.#pool = makeBuffer(POOL_BYTES);
      // It would take the others with it.
      workerThreads().markAsUntransferable(this.#pool);
      this.#poolUsed = 0;
    }
    const bytes = new Uint8Array(this.#pool, this.#poolUsed, size);
    // Views of larger numbers begin at multiples of eight.
    this.#poolUsed += (size + 7) & ~7;
    return bytes;
  }
}

/** A buffer that is not cleared: it is filled at once. */
function makeBuffer(size: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(size).buffer;
}
