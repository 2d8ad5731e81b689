/** The reading end of a ring: see `ring-layout.ts` for the order of its stores and loads. */

import {
  ARG,
  type AreaViews,
  BYTES_TAIL,
  GROWN_AT,
  GROWN_CLAIM,
  HEAD,
  ID,
  KIND,
  MARKS,
  type RecordHeader,
  type RingArea,
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
  viewArea,
} from './ring-layout';

/** The reading end. Its getters read the next record, which must exist. */
export class RingReader extends RingEnd {
  /** Whether the writer has written what no writer writes. There is nothing to read then. */
  isBroken = false;
  #tail = 0;
  /** Where the slot of the next record begins, in words. */
  #slot = 0;
  #bytesTail = 0;
  /** The larger area, once it was found, and the position from which on records are there. */
  #next: AreaViews | undefined;
  #nextAt = 0;

  constructor(memory: RingMemory) {
    super(memory);
    this.#tail = Atomics.load(this.header, TAIL);
    this.#bytesTail = Atomics.load(this.header, BYTES_TAIL);
    this.#slot = (this.#tail & this.slotMask) * SLOT_WORDS;
  }

  /** How many records there are now. */
  get available(): number {
    const count = (Atomics.load(this.header, HEAD) - (this.#tail << 1)) >> 1;
    if (count < 0 || count > this.limits.slots) {
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

  /** The claim of the larger area in which the ring continues; 0 when there is none, or it is known already. */
  get nextClaim(): number {
    return this.isLarge || this.#next !== undefined ? 0 : Atomics.load(this.header, GROWN_CLAIM);
  }

  /** Learns the larger area. */
  setNext(area: RingArea): void {
    const at = this.header[GROWN_AT] as number;
    const left = (at - this.#tail) | 0;
    if (left < 0 || left > this.slotCapacity) {
      this.isBroken = true;
      return;
    }
    const next = viewArea(area);
    this.#nextAt = at;
    this.#next = next;
  }

  /** How many records may be read before {@link RingReader.enterNext}. */
  get leftInArea(): number {
    return this.#next === undefined ? Infinity : (this.#nextAt - this.#tail) | 0;
  }

  /** Continues in the larger area, when no record is left in this one. */
  enterNext(): void {
    const next = this.#next as AreaViews;
    this.enter(next, 0, 0);
    this.#next = undefined;
    this.#slot = (this.#tail & this.slotMask) * SLOT_WORDS;
  }

  /** Calls `visit` with each of the next `count` records, which stay in the ring. It gets the same object each time. */
  lookAhead(count: number, visit: (header: Readonly<RecordHeader>) => void): void {
    const { leftInArea } = this;
    const { doubles, words, slotCapacity } = this;
    this.#lookInto({ doubles, words, slots: slotCapacity }, 0, Math.min(count, leftInArea), visit);
    if (this.#next !== undefined) {
      this.#lookInto(this.#next, leftInArea, count, visit);
    }
  }

  #lookInto(
    { doubles, words, slots }: Pick<AreaViews, 'doubles' | 'words' | 'slots'>,
    from: number,
    to: number,
    visit: (header: Readonly<RecordHeader>) => void,
  ): void {
    const header: RecordHeader = { kind: 0, arg: 0, value: 0, time: 0, id: 0 };
    for (let index = from; index < to; index += 1) {
      const slot = (this.#tail + index) & (slots - 1);
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
