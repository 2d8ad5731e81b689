/**
 * The reading end of a ring and its payloads: pieces become whole payloads, and claims the payloads that they stand
 * for.
 */

import { Buffer } from 'node:buffer';

import { canReadChannels, markAsUntransferable } from '../platform';
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
import { type RingMemory, isArea } from './ring-layout';
import { RingReader } from './ring-reader';

/**
 * Small payloads share a buffer, as Node's own do: making one costs more than copying the bytes. With 64 KiB instead of
 * 16, 1 KB of bytes takes 294 ns instead of 325. A payload that is kept keeps its buffer.
 */
const POOL_BYTES = 64 * 1024;
const POOLED_BYTES = 4096;

/** The records of one ring. */
export class RecordReader {
  readonly #ring: RingReader;
  readonly #values: ValueReader;
  readonly #claimPayload: (claim: number) => unknown;
  /** Whether a payload has arrived; `undefined` where those that were sent have. */
  readonly #hasArrived: ((claim: number) => boolean) | undefined;
  #pieces: Uint8Array[] = [];
  /** Whether a piece could not be copied. */
  #isPieceLost = false;
  /** The id of the record that the pieces belong to. */
  #piecesOf = 0;
  #pool = new ArrayBuffer(0);
  /** Where the next payload begins; at first there is no pool, and no room for an empty one either. */
  #poolUsed = POOL_BYTES + 1;
  /** What has arrived as the larger area, until the ring knows it. */
  #claimedArea: unknown;

  constructor(
    memory: RingMemory,
    claimPayload: (claim: number) => unknown,
    hasArrived: (claim: number) => boolean = () => true,
  ) {
    this.#ring = new RingReader(memory);
    this.#values = new ValueReader(this.#ring);
    this.#claimPayload = claimPayload;
    this.#hasArrived = canReadChannels ? undefined : hasArrived;
  }

  /** The next record. */
  get record(): RingReader {
    return this.#ring;
  }

  /** How many records there are now that can be read. */
  get available(): number {
    const ring = this.#ring;
    const count = ring.available;
    // Loaded after the number of records: point 6 in `ring-layout.ts`.
    const claim = ring.nextClaim;
    if (claim !== 0) {
      this.#claimArea(claim);
    }
    if (ring.isBroken) {
      return 0;
    }
    return this.#hasArrived === undefined ? count : this.#countArrived(count, this.#hasArrived);
  }

  /** Whether there are records that cannot be read yet. */
  get isStalled(): boolean {
    return this.#hasArrived !== undefined && this.#ring.available > 0 && this.available === 0;
  }

  /** Returns how many records there are before the first one whose payload has not arrived. */
  #countArrived(count: number, hasArrived: (claim: number) => boolean): number {
    let arrived = 0;
    let isMissing = false;
    this.#ring.lookAhead(count, ({ kind, value }) => {
      isMissing ||= (kind & PAYLOAD_MASK) === PAYLOAD_CLAIM && !hasArrived(value);
      arrived += isMissing ? 0 : 1;
    });
    return arrived;
  }

  /**
   * Returns how many of the next `count` records, which exist, can be read one after the other. The caller asks again
   * for the rest.
   */
  readable(count: number): number {
    const left = this.#ring.leftInArea;
    if (left === 0) {
      this.#enterNextArea();
      return count;
    }
    return Math.min(count, left);
  }

  /** Whether pieces have arrived whose last one has not. */
  get isIncomplete(): boolean {
    return this.#pieces.length > 0 || this.#isPieceLost;
  }

  /** Whether {@link RecordReader.publish} has kept back room, because a value in it is still to be read. */
  get owesRoom(): boolean {
    return this.#values.unreadCount > 0;
  }

  // The reader moves on before it reads a record's bytes, because reading may throw. The bytes stay in place until
  // `publish()`.

  /** Reads the record, which is a piece of the payload of a later record with the same id. */
  readPiece(): void {
    const { byteOffset, size, id } = this.#ring;
    this.#dropOtherPieces(id);
    this.#piecesOf = id;
    this.#ring.advance();
    const wasPieceLost = this.#isPieceLost;
    this.#isPieceLost = true;
    this.#pieces.push(this.#copy(byteOffset, size));
    this.#isPieceLost = wasPieceLost;
  }

  /** Reads the record, and returns its payload, with the pieces that arrived before it. */
  readPayload(): unknown {
    const ring = this.#ring;
    const { kind, value } = ring;
    const form = kind & PAYLOAD_MASK;
    if (form > PAYLOAD_NUMBER) {
      return this.#readLarger(form, value);
    }
    // It has no bytes, so its size is not read.
    ring.skip();
    return form === PAYLOAD_NUMBER ? value : undefined;
  }

  /**
   * Reads the record, whose bytes are text in 16-bit units, and returns the text. Returns `undefined`, and reads
   * nothing, for what {@link RecordReader.readPayload} has to read: there are pieces before it, or it is no such text.
   */
  readText(): string | undefined {
    const ring = this.#ring;
    const { kind, byteOffset, size } = ring;
    if (
      (kind & PAYLOAD_MASK) !== PAYLOAD_BYTES ||
      size < 0 ||
      size > ring.largest ||
      size % 2 !== 0 ||
      this.#pieces.length > 0 ||
      this.#isPieceLost
    ) {
      return undefined;
    }
    ring.advance();
    return ring.bytes.toString('utf16le', byteOffset, byteOffset + size);
  }

  /** Drops the pieces that have arrived of the record `id`, which will not come. */
  dropPieces(id: number): void {
    if (this.#piecesOf === id) {
      this.#pieces = [];
      this.#isPieceLost = false;
    }
  }

  /** Gives the room back to the writer; returns whether the writer has to be woken for it. */
  publish(): boolean {
    if (this.#values.unreadCount > 0) {
      try {
        // For the shapes that it defines.
        this.#values.read();
      } catch {
        // The stack has still no room for that. The value stays where it is, and all after it.
        return false;
      }
    }
    return this.#ring.publish();
  }

  /** Finds the larger area in which the ring continues. */
  #claimArea(claim: number): void {
    if (this.#claimedArea === undefined) {
      try {
        this.#claimedArea = this.#claimPayload(claim);
      } catch (error) {
        if ((error as Error).name !== 'DataCloneError') {
          // The stack has no room for that. The caller may try again.
          throw error;
        }
        // Nothing was sent: the connection is of no use any more.
      }
    }
    if (isArea(this.#claimedArea, this.#ring.limits)) {
      this.#ring.setNext(this.#claimedArea);
    } else {
      this.#ring.isBroken = true;
    }
    this.#claimedArea = undefined;
  }

  #enterNextArea(): void {
    if (this.#values.unreadCount > 0) {
      // They are in the area that is left now.
      this.#values.read();
    }
    this.#ring.enterNext();
  }

  #readLarger(form: number, value: number): unknown {
    if (this.#pieces.length > 0 || this.#isPieceLost) {
      this.#dropOtherPieces(this.#ring.id);
    }
    const values = this.#values;
    const { byteOffset, size } = this.#ring;
    this.#ring.advance();
    switch (form) {
      case PAYLOAD_CONSTANT:
        return CONSTANTS[value];
      case PAYLOAD_PLAIN:
        values.unread[values.unreadCount] = byteOffset;
        values.unreadCount += 1;
        return values.read();
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

  /** Drops pieces of another payload than that of the record `id`: its writer could not finish it. */
  #dropOtherPieces(id: number): void {
    if (this.#piecesOf !== id) {
      this.#pieces = [];
      this.#isPieceLost = false;
    }
  }

  /** Returns the record's bytes, after those of its pieces. */
  #readBytes(byteOffset: number, size: number): Uint8Array {
    if (this.#pieces.length === 0 && !this.#isPieceLost) {
      return this.#copy(byteOffset, size);
    }
    const pieces = this.#pieces;
    const isWhole = !this.#isPieceLost;
    // They are used up, whether or not what follows fails.
    this.#pieces = [];
    this.#isPieceLost = false;
    if (!isWhole) {
      throw new DOMException('A part of the payload could not be read', 'DataCloneError');
    }
    pieces.push(this.#copy(byteOffset, size));
    const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let length = 0;
    for (const piece of pieces) {
      whole.set(piece, length);
      length += piece.length;
    }
    return whole;
  }

  /** Returns a copy of the record's bytes. */
  #copy(byteOffset: number, size: number): Uint8Array {
    if (size < 0 || size > this.#ring.largest) {
      throw new RangeError('The record has more bytes than a record can have');
    }
    const copy = size < POOLED_BYTES ? this.#allocate(size) : new Uint8Array(makeBuffer(size));
    copy.set(new Uint8Array(this.#ring.buffer, byteOffset, size));
    return copy;
  }

  #allocate(size: number): Uint8Array {
    if (this.#poolUsed + size > POOL_BYTES) {
      const pool = makeBuffer(POOL_BYTES);
      // A transfer would take the other payloads with it.
      if (!markAsUntransferable(pool)) {
        return new Uint8Array(makeBuffer(size));
      }
      this.#pool = pool;
      this.#poolUsed = 0;
    }
    const bytes = new Uint8Array(this.#pool, this.#poolUsed, size);
    // A view of larger numbers has to begin at a multiple of eight.
    this.#poolUsed += (size + 7) & ~7;
    return bytes;
  }
}

/** Returns a buffer that is not cleared, because the caller fills it. */
function makeBuffer(size: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(size).buffer;
}
