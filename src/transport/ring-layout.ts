/**
 * A queue from one thread to another, in shared memory: one producer, one consumer, no lock.
 *
 * ```text
 *  words   HEAD │ TAIL  BYTES_TAIL │ WAITING  WAKE_TAIL  WAKE_BYTES_TAIL  MARKS
 *  slots   ┌──────────────┬──────────────┬─────┐          fixed size, one for each record: what it is, and when
 *          └──────────────┴──────────────┴─────┘
 *  bytes   ┌───────────────────────────────────┬───────┐  payloads that do not fit into a slot, in the same order
 *          └───────────────────────────────────┴───────┘
 *                                        the margin ▲
 * ```
 *
 * HEAD is the producer's, TAIL and BYTES_TAIL the consumer's; WAITING says that the producer sleeps until those two have come to
 * where it wants to be woken. A record is written before HEAD moves and read before TAIL moves; `Atomics` are sequentially consistent, so whoever sees the new
 * position sees the record. Positions count on for ever, modulo 2^32, HEAD's modulo 2^31; both sizes are powers of two.
 *
 * The lowest bit of HEAD is the consumer's: it is set unless that looks again by itself. The producer adds to HEAD, and what was
 * there before tells it whether the consumer may have to be woken: one atomic operation for both (of the 68 ns of a task, 5 less
 * than with a store and a load).
 *
 * Each side remembers the other's position and seldom looks again before it says that there is nothing to do: an atomic operation costs
 * more than all the rest of a record.
 *
 * Bytes of one record are never cut in two: what begins before the end goes on in the margin, and as many bytes at the beginning
 * are left out. So payloads are written where they travel, and read there. They begin at multiples of eight: V8 copies shared
 * memory byte by byte otherwise, a kilobyte in 380 ns instead of 75.
 */

/** What different threads write is in different cache lines. */
const HEAD = 0;
const TAIL = 16;
const BYTES_TAIL = 17;
const WAITING = 32;
const WAKE_TAIL = 33;
const WAKE_BYTES_TAIL = 34;
const MARKS = 35;
const HEADER_BYTES = 256;

/** In HEAD: the consumer does not look by itself. The position is above. */
const ASLEEP_BIT = 1;
const ONE_RECORD = 2;

/** A slot: two doubles, then four 32-bit words. */
const SLOT_DOUBLES = 4;
const SLOT_WORDS = 8;
const VALUE = 0;
const TIME = 1;
const KIND = 4;
const NAME = 5;
const SIZE = 6;
const ID = 7;

/**
 * After so many records, at the latest, the producer looks how far the consumer is. It need not, but a path that was never gone until
 * V8 compiles the others is not compiled with them, and throws all of them away when it is gone.
 */
const OFTEN = 64;

/** The shared memory of a ring. */
export interface RingMemory {
  readonly words: SharedArrayBuffer;
  /** With the margin. */
  readonly bytes: SharedArrayBuffer;
  /** How many bytes there may be. */
  readonly byteCapacity: number;
}

/** How many records, and bytes of them, padded, there have been. */
export interface RingPosition {
  readonly records: number;
  readonly bytes: number;
}

const BEGINNING: RingPosition = { records: 0, bytes: 0 };

/**
 * Makes the memory for `slots` records and `bytes` bytes, both powers of two. Both ends begin at the position that is written there:
 * `start`, which is for tests of what happens when positions come to their limits.
 */
export function makeRingMemory(slots: number, bytes: number, start: RingPosition = BEGINNING): RingMemory {
  const words = new SharedArrayBuffer(HEADER_BYTES + slots * SLOT_DOUBLES * Float64Array.BYTES_PER_ELEMENT);
  const header = new Int32Array(words, 0, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT);
  header[HEAD] = (start.records * ONE_RECORD) | ASLEEP_BIT;
  header[TAIL] = start.records;
  header[BYTES_TAIL] = start.bytes;
  return {
    words,
    bytes: new SharedArrayBuffer(bytes + largestOf(bytes)),
    byteCapacity: bytes,
  };
}

/** The room that so many bytes take. */
export function padded(size: number): number {
  return (size + 7) & ~7;
}

/** How many bytes one record may have. */
function largestOf(byteCapacity: number): number {
  return byteCapacity / 2;
}

class Ring {
  /** The bytes of all records, for whoever writes or reads them in place. */
  readonly bytes: Buffer;
  readonly view: DataView;
  /** How many bytes one record may have: what is longer is cut into several. */
  readonly largest: number;
  protected readonly header: Int32Array;
  protected readonly doubles: Float64Array;
  protected readonly words: Int32Array;
  protected readonly slotCapacity: number;
  protected readonly slotMask: number;
  protected readonly byteCapacity: number;
  protected readonly byteMask: number;

  constructor(memory: RingMemory) {
    this.header = new Int32Array(memory.words, 0, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.doubles = new Float64Array(memory.words, HEADER_BYTES);
    this.words = new Int32Array(memory.words, HEADER_BYTES);
    this.bytes = Buffer.from(memory.bytes);
    this.view = new DataView(memory.bytes);
    this.slotCapacity = this.doubles.length / SLOT_DOUBLES;
    this.slotMask = this.slotCapacity - 1;
    this.byteCapacity = memory.byteCapacity;
    this.byteMask = memory.byteCapacity - 1;
    this.largest = largestOf(memory.byteCapacity);
  }
}

/** The writing end. */
export class RingWriter extends Ring {
  /** Where what is being written in place has to end; 0 when a record has taken its place meanwhile. */
  limit = 0;
  /** Whether the consumer looks again by itself, or sees the last record before it stops: see {@link RingReader.setPolling}. */
  isPolled = false;
  #head = 0;
  #bytesHead = 0;
  /** How many records there is surely room for. */
  #room = 0;
  /** The consumer's positions when they were last looked at. */
  #tail = 0;
  #bytesTail = 0;

  constructor(memory: RingMemory) {
    super(memory);
    this.#tail = Atomics.load(this.header, TAIL);
    this.#bytesTail = Atomics.load(this.header, BYTES_TAIL);
    this.#head = this.#tail;
    this.#bytesHead = this.#bytesTail;
  }

  /**
   * Whether there is room for so many records and bytes, padded; for more than the ring has, whether there is for the first, unless all
   * are needed.
   */
  hasRoom(records: number, bytes: number, areAllNeeded: boolean = false): boolean {
    this.#look();
    const isTooLong = !areAllNeeded && (records > this.slotCapacity || bytes > this.byteCapacity);
    return (
      this.#slotsUsed() + (isTooLong ? 1 : records) <= this.slotCapacity &&
      this.#bytesUsed() + (isTooLong ? Math.min(bytes, this.largest) : bytes) <= this.byteCapacity
    );
  }

  /** Writes one record without bytes; false when there is no room. */
  pushValue(kind: number, name: number, value: number, time: number, id: number): boolean {
    if (!this.hasSlot()) {
      return false;
    }
    this.#write(kind, name, value, time, id, 0);
    return true;
  }

  /** Writes one record, with the bytes of `data`, at most `largest`, beside it; false when there is no room. */
  push(kind: number, name: number, value: number, time: number, id: number, data: Uint8Array | undefined): boolean {
    if (data === undefined || data.length === 0) {
      return this.pushValue(kind, name, value, time, id);
    }
    if (!this.hasSlot() || this.byteRoom(data.length) < data.length) {
      return false;
    }
    this.limit = 0;
    this.bytes.set(data, this.byteOffset);
    this.#write(kind, name, value, time, id, data.length);
    return true;
  }

  /** As {@link RingWriter.push}, for a record for which the consumer has to look ahead. */
  pushMarked(
    kind: number,
    name: number,
    value: number,
    time: number,
    id: number,
    data: Uint8Array | undefined,
  ): boolean {
    // First the mark, then the record, which makes it visible.
    this.#mark(1);
    const isPushed = this.push(kind, name, value, time, id, data);
    if (!isPushed) {
      this.#mark(-1);
    }
    return isPushed;
  }

  /** Writes one record whose bytes are there: `size` of them from `byteOffset` on. There must be a slot. */
  pushWritten(kind: number, name: number, time: number, id: number, size: number): void {
    this.#write(kind, name, 0, time, id, size);
  }

  /** Whether there is a slot for another record. */
  hasSlot(): boolean {
    if (this.#room === 0) {
      this.#look();
    }
    return this.#room > 0;
  }

  /** Where the bytes of the next record begin. */
  get byteOffset(): number {
    return this.#bytesHead & this.byteMask;
  }

  /** How many bytes the next record may have, as far as is known; it is looked again when they are fewer than `wanted`. */
  byteRoom(wanted: number): number {
    if (this.byteCapacity - this.#bytesUsed() < wanted) {
      this.#look();
    }
    return Math.min(this.byteCapacity - this.#bytesUsed(), this.largest);
  }

  /**
   * Says that the producer is about to sleep until there is room, or that it is awake again. It wants to be woken when half of the
   * ring is free: to wake it for each record would have the two take turns at a few records each, with a switch between
   * threads for every turn where they share a core.
   */
  setWaiting(waiting: boolean): void {
    if (waiting) {
      // Visible to whoever sees WAITING, which is stored after them.
      this.header[WAKE_TAIL] = (this.#head - this.slotCapacity / 2) | 0;
      this.header[WAKE_BYTES_TAIL] = (this.#bytesHead - this.byteCapacity / 2) | 0;
    }
    Atomics.store(this.header, WAITING, waiting ? 1 : 0);
  }

  #write(kind: number, name: number, value: number, time: number, id: number, size: number): void {
    const { doubles, words } = this;
    const slot = this.#head & this.slotMask;
    doubles[slot * SLOT_DOUBLES + VALUE] = value;
    doubles[slot * SLOT_DOUBLES + TIME] = time;
    words[slot * SLOT_WORDS + KIND] = kind;
    words[slot * SLOT_WORDS + NAME] = name;
    words[slot * SLOT_WORDS + SIZE] = size;
    words[slot * SLOT_WORDS + ID] = id;
    if (size > 0) {
      this.#bytesHead = (this.#bytesHead + padded(size)) | 0;
    }
    this.#room -= 1;
    this.#head = (this.#head + 1) | 0;
    this.isPolled = (Atomics.add(this.header, HEAD, ONE_RECORD) & ASLEEP_BIT) === 0;
  }

  #mark(count: number): void {
    this.header[MARKS] = (this.header[MARKS] as number) + count;
  }

  #look(): void {
    this.#tail = Atomics.load(this.header, TAIL);
    this.#bytesTail = Atomics.load(this.header, BYTES_TAIL);
    this.#room = Math.min(this.slotCapacity - this.#slotsUsed(), OFTEN);
  }

  #slotsUsed(): number {
    return (this.#head - this.#tail) | 0;
  }

  #bytesUsed(): number {
    return (this.#bytesHead - this.#bytesTail) | 0;
  }
}

/** The reading end: at the record that is next. */
export class RingReader extends Ring {
  #tail = 0;
  /** Where the slot of the record begins, in words. */
  #slot = 0;
  #bytesTail = 0;

  constructor(memory: RingMemory) {
    super(memory);
    this.#tail = Atomics.load(this.header, TAIL);
    this.#bytesTail = Atomics.load(this.header, BYTES_TAIL);
    this.#slot = (this.#tail & this.slotMask) * SLOT_WORDS;
  }

  /** How many records there are now. */
  get available(): number {
    return (Atomics.load(this.header, HEAD) - (this.#tail << 1)) >> 1;
  }

  /** How many records the producer has marked, with all of those at the least that {@link RingReader.available} has found. */
  get marks(): number {
    return this.header[MARKS] as number;
  }

  /** Calls `visit` with the words of the next `count` records, which stay where they are. */
  lookAhead(count: number, visit: (kind: number, name: number, id: number, value: number) => void): void {
    const { doubles, words } = this;
    for (let index = 0; index < count; index += 1) {
      const slot = (this.#tail + index) & this.slotMask;
      const word = slot * SLOT_WORDS;
      visit(
        words[word + KIND] as number,
        words[word + NAME] as number,
        words[word + ID] as number,
        doubles[slot * SLOT_DOUBLES + VALUE] as number,
      );
    }
  }

  /** What the next record is; there must be one. */
  get kind(): number {
    return this.words[this.#slot + KIND] as number;
  }

  /** Its small number; the meaning is its users'. */
  get name(): number {
    return this.words[this.#slot + NAME] as number;
  }

  /** What it is called by; the meaning is its users'. */
  get id(): number {
    return this.words[this.#slot + ID] as number;
  }

  /** The number that travels in the slot. */
  get value(): number {
    return this.doubles[this.#slot / 2 + VALUE] as number;
  }

  /** When; the meaning is its users'. */
  get time(): number {
    return this.doubles[this.#slot / 2 + TIME] as number;
  }

  /** How many bytes it has beside. */
  get size(): number {
    return this.words[this.#slot + SIZE] as number;
  }

  /** Where they begin. */
  get byteOffset(): number {
    return this.#bytesTail & this.byteMask;
  }

  /** Moves on: the record is not there any more. */
  advance(): void {
    this.#bytesTail = (this.#bytesTail + padded(this.size)) | 0;
    this.skip();
  }

  /** The same, for a record without bytes. */
  skip(): void {
    this.#tail = (this.#tail + 1) | 0;
    this.#slot = (this.#tail & this.slotMask) * SLOT_WORDS;
  }

  /**
   * Says that the consumer looks again and again, so that nobody need wake it, or that it is about to stop: then it looks once
   * more. Both change HEAD, as the producer does, one after the other: a record that the producer added before is seen by that look,
   * and after it the producer finds the bit.
   */
  setPolling(isPolling: boolean): void {
    if (isPolling) {
      Atomics.and(this.header, HEAD, ~ASLEEP_BIT);
    } else {
      Atomics.or(this.header, HEAD, ASLEEP_BIT);
    }
  }

  /**
   * Gives the read records' room back; true when the producer is to be woken for it.
   *
   * TAIL is stored before WAITING is loaded, and the producer stores WAITING before it loads TAIL: either it sees the room, or it is
   * seen here. While it waits nothing is added, so when all is read, if not before, it is woken.
   */
  publish(): boolean {
    Atomics.store(this.header, BYTES_TAIL, this.#bytesTail);
    Atomics.store(this.header, TAIL, this.#tail);
    return (
      Atomics.load(this.header, WAITING) !== 0 &&
      ((this.#tail - (this.header[WAKE_TAIL] as number)) | 0) >= 0 &&
      ((this.#bytesTail - (this.header[WAKE_BYTES_TAIL] as number)) | 0) >= 0
    );
  }
}
