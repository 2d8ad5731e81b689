/** The reading end of a ring: see `ring-layout.ts` for the order of its stores and loads. */

import {
  ARG,
  BYTES_TAIL,
  HEAD,
  ID,
  KIND,
  MARKS,
  type RecordHeader,
  RingEnd,
  type RingMemory,
  SIZE,
  SLOT_DOUBLES,
  SLOT_WORDS,
  TAIL,
  TIME,
  UNPOLLED_BIT,
  VALUE,
  WAITING,
  WAKE_BYTES_TAIL,
  WAKE_TAIL,
  padded,
} from './ring-layout';

/** The reading end. Its getters read the next record, which must exist. */
export class RingReader extends RingEnd {
  /** Whether the writer has written what no writer writes. There is nothing to read then. */
  isBroken = false;
  #tail = 0;
  /** Where the slot of the next record begins, in words. */
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
    const count = (Atomics.load(this.header, HEAD) - (this.#tail << 1)) >> 1;
    if (count < 0 || count > this.slotCapacity) {
      this.isBroken = true;
    }
    return this.isBroken ? 0 : count;
  }

  /**
   * How many records the writer has marked: at least all of those among the records that {@link RingReader.available}
   * has counted.
   */
  get marks(): number {
    return this.header[MARKS] as number;
  }

  /** Calls `visit` with each of the next `count` records, which stay in the ring. It gets the same object each time. */
  lookAhead(count: number, visit: (header: Readonly<RecordHeader>) => void): void {
    const { doubles, words } = this;
    const header: RecordHeader = { kind: 0, arg: 0, value: 0, time: 0, id: 0 };
    for (let index = 0; index < count; index += 1) {
      const slot = (this.#tail + index) & this.slotMask;
      header.kind = words[slot * SLOT_WORDS + KIND] as number;
      header.arg = words[slot * SLOT_WORDS + ARG] as number;
      header.id = words[slot * SLOT_WORDS + ID] as number;
      header.value = doubles[slot * SLOT_DOUBLES + VALUE] as number;
      header.time = doubles[slot * SLOT_DOUBLES + TIME] as number;
      visit(header);
    }
  }

  /** What the record is. */
  get kind(): number {
    return this.words[this.#slot + KIND] as number;
  }

  /** Its 32-bit number, whose meaning depends on the kind. */
  get arg(): number {
    return this.words[this.#slot + ARG] as number;
  }

  /** The task or call that it belongs to. */
  get id(): number {
    return this.words[this.#slot + ID] as number;
  }

  /** Its double. */
  get value(): number {
    return this.doubles[this.#slot / 2 + VALUE] as number;
  }

  /** Its time. */
  get time(): number {
    return this.doubles[this.#slot / 2 + TIME] as number;
  }

  /** How many bytes it has. */
  get size(): number {
    return this.words[this.#slot + SIZE] as number;
  }

  /** Where its bytes begin. */
  get byteOffset(): number {
    return this.#bytesTail & this.byteMask;
  }

  /** Moves on to the next record. The bytes of this one stay where they are until {@link RingReader.publish}. */
  advance(): void {
    const bytesTail = (this.#bytesTail + padded(this.size)) | 0;
    // No calls from here on: where the stack ends, either both positions move or none.
    this.#bytesTail = bytesTail;
    this.#tail = (this.#tail + 1) | 0;
    this.#slot = (this.#tail & this.slotMask) * SLOT_WORDS;
  }

  /** Does the same for a record without bytes. */
  skip(): void {
    this.#tail = (this.#tail + 1) | 0;
    this.#slot = (this.#tail & this.slotMask) * SLOT_WORDS;
  }

  /**
   * Says that the reader polls, so that the writer need not notify it, or that it stops: then the caller looks once
   * more.
   */
  setPolling(isPolling: boolean): void {
    if (isPolling) {
      Atomics.and(this.header, HEAD, ~UNPOLLED_BIT);
    } else {
      Atomics.or(this.header, HEAD, UNPOLLED_BIT);
    }
  }

  /**
   * Gives the room of the records that were read back to the writer. Returns whether the writer has to be woken for it:
   * no record is added while it waits, so it is woken at the latest when all records are read.
   */
  publish(): boolean {
    Atomics.store(this.header, BYTES_TAIL, this.#bytesTail);
    Atomics.store(this.header, TAIL, this.#tail);
    return this.hasRoomForWriter;
  }

  /** Whether the writer waits for room, and there is what it waits for. */
  get hasRoomForWriter(): boolean {
    return (
      Atomics.load(this.header, WAITING) !== 0 &&
      ((this.#tail - (this.header[WAKE_TAIL] as number)) | 0) >= 0 &&
      ((this.#bytesTail - (this.header[WAKE_BYTES_TAIL] as number)) | 0) >= 0
    );
  }
}
