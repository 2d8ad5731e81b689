/**
 * A queue from one thread to another, in shared memory: one producer, one consumer, no lock.
 *
 * ```text
 *  words   HEAD  TAIL  BYTES_TAIL  WAITING
 *  slots   ┌──────────────┬──────────────┬─────┐   fixed size, one for each record: what it is, and when
 *          └──────────────┴──────────────┴─────┘
 *  bytes   ┌───────────────────────────────────┐   payloads that do not fit into a slot, in the same order
 *          └───────────────────────────────────┘
 * ```
 *
 * HEAD is the producer's, TAIL and BYTES_TAIL the consumer's; WAITING says that the producer sleeps until there is room. A record is written before HEAD moves and read
 * before TAIL moves; `Atomics` are sequentially consistent, so whoever sees the new position sees the record. Positions count
 * on for ever, modulo 2^32; both sizes are powers of two.
 */

const HEAD = 0;
const TAIL = 1;
const BYTES_TAIL = 2;
const WAITING = 3;
const HEADER_BYTES = 64;

/** A slot: two doubles, then four 32-bit words. */
const SLOT_DOUBLES = 4;
const SLOT_WORDS = 8;

/** The shared memory of a ring. */
export interface RingMemory {
  readonly words: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

/** One record, as it is read and written. */
export interface RingRecord {
  /** What it is; the meaning is its users'. */
  kind: number;
  /** A small number; the meaning is its users'. */
  name: number;
  /** A number that travels in the slot. */
  value: number;
  /** When; the meaning is its users'. */
  time: number;
  /** How many bytes it has beside. */
  size: number;
  /** What it is called by; the meaning is its users'. */
  id: number;
}

/** Makes the memory for `slots` records and `bytes` bytes, both powers of two. */
export function makeRingMemory(slots: number, bytes: number): RingMemory {
  return {
    words: new SharedArrayBuffer(HEADER_BYTES + slots * SLOT_DOUBLES * Float64Array.BYTES_PER_ELEMENT),
    bytes: new SharedArrayBuffer(bytes),
  };
}

class Ring {
  protected readonly header: Int32Array;
  protected readonly doubles: Float64Array;
  protected readonly words: Int32Array;
  protected readonly bytes: Buffer;
  protected readonly slotMask: number;
  protected readonly byteMask: number;

  constructor(memory: RingMemory) {
    this.header = new Int32Array(memory.words, 0, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.doubles = new Float64Array(memory.words, HEADER_BYTES);
    this.words = new Int32Array(memory.words, HEADER_BYTES);
    this.bytes = Buffer.from(memory.bytes);
    this.slotMask = this.doubles.length / SLOT_DOUBLES - 1;
    this.byteMask = this.bytes.length - 1;
  }
}

/** The writing end. */
export class RingProducer extends Ring {
  #head = 0;
  #bytesHead = 0;

  /** How many bytes one record may have: what is longer is cut into several. */
  get largest(): number {
    return this.bytes.length / 2;
  }

  /** Whether there is room for so many records and bytes; for more than the ring has, whether there is for the first. */
  hasRoom(records: number, bytes: number): boolean {
    const isTooLong = records > this.slotMask + 1 || bytes > this.bytes.length;
    return (
      this.#slotsUsed() + (isTooLong ? 1 : records) <= this.slotMask + 1 &&
      this.#bytesUsed() + (isTooLong ? Math.min(bytes, this.largest) : bytes) <= this.bytes.length
    );
  }

  /** Writes one record, with the bytes of `data` beside it; false when there is no room. */
  push(kind: number, name: number, value: number, time: number, id: number, data: Uint8Array | undefined): boolean {
    const size = data === undefined ? 0 : data.length;
    if (this.#slotsUsed() > this.slotMask || (size > 0 && !this.#putBytes(data as Uint8Array, size))) {
      return false;
    }
    const slot = this.#head & this.slotMask;
    this.doubles[slot * SLOT_DOUBLES] = value;
    this.doubles[slot * SLOT_DOUBLES + 1] = time;
    this.words[slot * SLOT_WORDS + 4] = kind;
    this.words[slot * SLOT_WORDS + 5] = name;
    this.words[slot * SLOT_WORDS + 6] = size;
    this.words[slot * SLOT_WORDS + 7] = id;
    this.#head = (this.#head + 1) | 0;
    Atomics.store(this.header, HEAD, this.#head);
    return true;
  }

  /** Says that the producer is about to sleep until there is room, or that it is awake again. */
  setWaiting(waiting: boolean): void {
    Atomics.store(this.header, WAITING, waiting ? 1 : 0);
  }

  #slotsUsed(): number {
    return (this.#head - Atomics.load(this.header, TAIL)) | 0;
  }

  #bytesUsed(): number {
    return (this.#bytesHead - Atomics.load(this.header, BYTES_TAIL)) | 0;
  }

  #putBytes(data: Uint8Array, size: number): boolean {
    if (this.#bytesUsed() + size > this.bytes.length) {
      return false;
    }
    const start = this.#bytesHead & this.byteMask;
    const first = Math.min(size, this.bytes.length - start);
    this.bytes.set(first === size ? data : data.subarray(0, first), start);
    if (first < size) {
      this.bytes.set(data.subarray(first), 0);
    }
    this.#bytesHead = (this.#bytesHead + size) | 0;
    return true;
  }
}

/** The reading end. */
export class RingConsumer extends Ring {
  #tail = 0;
  #bytesTail = 0;

  /** How many records there are now. */
  get available(): number {
    return (Atomics.load(this.header, HEAD) - this.#tail) | 0;
  }

  /** Reads the next record into `record`; there must be one. Its bytes are taken with {@link RingConsumer.take}. */
  peek(record: RingRecord): void {
    const slot = this.#tail & this.slotMask;
    record.value = this.doubles[slot * SLOT_DOUBLES] as number;
    record.time = this.doubles[slot * SLOT_DOUBLES + 1] as number;
    record.kind = this.words[slot * SLOT_WORDS + 4] as number;
    record.name = this.words[slot * SLOT_WORDS + 5] as number;
    record.size = this.words[slot * SLOT_WORDS + 6] as number;
    record.id = this.words[slot * SLOT_WORDS + 7] as number;
  }

  /** A copy of the bytes of the record that was peeked at. */
  take(size: number): Buffer {
    const copy = Buffer.allocUnsafe(size);
    const start = this.#bytesTail & this.byteMask;
    const first = Math.min(size, this.bytes.length - start);
    this.bytes.copy(copy, 0, start, start + first);
    if (first < size) {
      this.bytes.copy(copy, first, 0, size - first);
    }
    this.#bytesTail = (this.#bytesTail + size) | 0;
    return copy;
  }

  /** Moves on: the record's place may be used again. */
  advance(): void {
    this.#tail = (this.#tail + 1) | 0;
  }

  /** Gives the read records' room back; true when the producer sleeps until there is some. */
  publish(): boolean {
    Atomics.store(this.header, BYTES_TAIL, this.#bytesTail);
    Atomics.store(this.header, TAIL, this.#tail);
    return Atomics.load(this.header, WAITING) !== 0;
  }
}
