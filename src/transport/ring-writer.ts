/** The writing end of a ring: see `ring-layout.ts` for the order of its stores and loads. */

import {
  ARG,
  type AreaViews,
  BYTES_TAIL,
  HEAD,
  ID,
  KIND,
  MARKS,
  ONE_RECORD,
  RingEnd,
  type RingMemory,
  type RingRecord,
  type RingSizes,
  type SendArea,
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
  makeArea,
  padded,
  viewArea,
} from './ring-layout';

/**
 * After this many records at most, the writer loads the reader's position although it need not. V8 does not compile a
 * path that was never taken, and discards all compiled code around it when it is taken for the first time.
 */
const RECORDS_PER_LOAD = 64;

/** The writing end. */
export class RingWriter extends RingEnd {
  /**
   * Where a value that is being written in place has to end; 0 when another record has occupied its place meanwhile.
   */
  limit = 0;
  /**
   * Whether the reader sees the last record without a notification: because it polls, or looks once more before it
   * stops.
   */
  isPolled = false;
  #head = 0;
  #bytesHead = 0;
  /** How many records certainly have room. */
  #room = 0;
  /** The reader's positions when they were last loaded. */
  #tail = 0;
  #bytesTail = 0;
  /** The area before the ring grew, while the reader has not read all of it, and where it ends. */
  #before: { readonly words: Int32Array; readonly slotMask: number; readonly end: number } | undefined;
  /** Sends an area to the reader; `undefined` when the ring does not grow, or not any more. */
  #sendArea: SendArea | undefined;

  constructor(memory: RingMemory, sendArea?: SendArea) {
    super(memory);
    this.#sendArea = this.isLarge ? undefined : sendArea;
    this.#tail = Atomics.load(this.header, TAIL);
    this.#bytesTail = Atomics.load(this.header, BYTES_TAIL);
    this.#head = this.#tail;
    this.#bytesHead = this.#bytesTail;
  }

  /**
   * Returns whether so many records and bytes, padded, have room. When they are more than the ring can ever hold,
   * returns whether the first record has room, unless all of them are needed.
   */
  hasRoom(records: number, bytes: number, areAllNeeded: boolean = false): boolean {
    this.#loadTails();
    const { slotCapacity, byteCapacity, limits } = this;
    return (
      this.#fits(records, bytes, areAllNeeded, { slots: slotCapacity, bytes: byteCapacity }) ||
      (this.#fits(records, bytes, areAllNeeded, limits) && this.#grow())
    );
  }

  #fits(records: number, bytes: number, areAllNeeded: boolean, sizes: RingSizes): boolean {
    const isTooLong = !areAllNeeded && (records > this.limits.slots || bytes > this.limits.bytes);
    return (
      this.#slotsUsed() + (isTooLong ? 1 : records) <= sizes.slots &&
      this.#bytesUsed() + (isTooLong ? Math.min(bytes, sizes.bytes / 2) : bytes) <= sizes.bytes
    );
  }

  /** Writes one record without bytes; returns false when it has no room. */
  pushValue(kind: number, arg: number, value: number, time: number, id: number): boolean {
    if (!this.hasSlot()) {
      return false;
    }
    this.#write(kind, arg, value, time, id, 0);
    return true;
  }

  /** Writes one record and copies the bytes of `data`, at most `largest`; returns false when it has no room. */
  push(kind: number, arg: number, value: number, time: number, id: number, data: Uint8Array | undefined): boolean {
    if (data === undefined || data.length === 0) {
      return this.pushValue(kind, arg, value, time, id);
    }
    if (!this.hasSlot() || this.byteRoom(data.length) < data.length) {
      return false;
    }
    this.limit = 0;
    this.bytes.set(data, this.byteOffset);
    this.#write(kind, arg, value, time, id, data.length);
    return true;
  }

  /** Does the same as {@link RingWriter.push}, and marks the record when the reader has to look ahead for it. */
  pushRecord({ kind, arg, value, time, id, data }: RingRecord, isMarked: boolean): boolean {
    if (isMarked) {
      // The mark comes before the record.
      this.#mark(1);
    }
    const isPushed = this.push(kind, arg, value, time, id, data);
    if (isMarked && !isPushed) {
      this.#mark(-1);
    }
    return isPushed;
  }

  /** Writes one record whose bytes are in place: `size` of them from `byteOffset` on. The caller has found a slot. */
  pushWritten(kind: number, arg: number, time: number, id: number, size: number): void {
    this.#write(kind, arg, 0, time, id, size);
  }

  /** Returns whether another record has a slot. */
  hasSlot(): boolean {
    if (this.#room === 0) {
      this.#loadTails();
      if (this.#room === 0 && this.slotCapacity < this.limits.slots) {
        this.#grow();
      }
    }
    return this.#room > 0;
  }

  /** Returns how many bytes each of the records may have in which `size` bytes travel. */
  largestFor(size: number): number {
    if (size > this.largest) {
      this.#grow();
    }
    return this.largest;
  }

  /** Where the bytes of the next record begin. */
  get byteOffset(): number {
    return this.#bytesHead & this.byteMask;
  }

  /**
   * Returns how many bytes the next record may have. The reader's position is loaded only when that is less than
   * `wanted`.
   */
  byteRoom(wanted: number): number {
    if (this.byteCapacity - this.#bytesUsed() < wanted) {
      this.#loadTails();
      if (this.byteCapacity - this.#bytesUsed() < wanted) {
        this.#grow();
      }
    }
    return Math.min(this.byteCapacity - this.#bytesUsed(), this.largest);
  }

  /**
   * Says that the writer is about to sleep until there is room, or no longer waits. The caller tries once more between
   * this and its sleep. It is woken when half of the ring is free: if it were woken for each record, the two threads
   * would alternate after a few records each, with a context switch every time where they share a core.
   */
  setWaiting(isWaiting: boolean): void {
    if (isWaiting) {
      // Read by a reader that sees WAITING, which is stored after them.
      this.header[WAKE_TAIL] = (this.#head - this.slotCapacity / 2) | 0;
      this.header[WAKE_BYTES_TAIL] = (this.#bytesHead - this.byteCapacity / 2) | 0;
    }
    Atomics.store(this.header, WAITING, isWaiting ? 1 : 0);
  }

  /** The position behind the last record: see {@link RingWriter.isReadTo}. */
  get position(): number {
    return this.#head;
  }

  /** Returns whether the reader has read all records before a position. */
  isReadTo(position: number): boolean {
    return ((Atomics.load(this.header, TAIL) - position) | 0) >= 0;
  }

  /** Says that the writer is about to sleep until the reader has read everything. */
  setWaitingForEnd(): void {
    this.header[WAKE_TAIL] = this.#head;
    this.header[WAKE_BYTES_TAIL] = (this.#bytesHead - this.byteCapacity) | 0;
    Atomics.store(this.header, WAITING, 1);
  }

  /** Calls `visit` with the kind of each record that was not read yet. */
  forEachUnread(visit: (kind: number) => void): void {
    const before = this.#before;
    for (let at = Atomics.load(this.header, TAIL); ((this.#head - at) | 0) > 0; at = (at + 1) | 0) {
      const isBefore = before !== undefined && ((before.end - at) | 0) > 0;
      const words = isBefore ? before.words : this.words;
      const slotMask = isBefore ? before.slotMask : this.slotMask;
      visit(words[(at & slotMask) * SLOT_WORDS + KIND] as number);
    }
  }

  #write(kind: number, arg: number, value: number, time: number, id: number, size: number): void {
    const { doubles, words } = this;
    const bytesHead = size > 0 ? (this.#bytesHead + padded(size)) | 0 : this.#bytesHead;
    const slot = this.#head & this.slotMask;
    doubles[slot * SLOT_DOUBLES + VALUE] = value;
    doubles[slot * SLOT_DOUBLES + TIME] = time;
    words[slot * SLOT_WORDS + KIND] = kind;
    words[slot * SLOT_WORDS + ARG] = arg;
    words[slot * SLOT_WORDS + SIZE] = size;
    words[slot * SLOT_WORDS + ID] = id;
    // The last call, which may fail where the stack ends. Then the record is not written, and nothing has changed.
    this.isPolled = (Atomics.add(this.header, HEAD, ONE_RECORD) & UNPOLLED_BIT) === 0;
    this.#bytesHead = bytesHead;
    this.#room -= 1;
    this.#head = (this.#head + 1) | 0;
  }

  #mark(count: number): void {
    this.header[MARKS] = (this.header[MARKS] as number) + count;
  }

  #loadTails(): void {
    this.#tail = Atomics.load(this.header, TAIL);
    this.#bytesTail = Atomics.load(this.header, BYTES_TAIL);
    this.#room = Math.min(this.slotCapacity - this.#slotsUsed(), RECORDS_PER_LOAD);
    if (this.#before !== undefined && ((this.#tail - this.#before.end) | 0) >= 0) {
      this.#before = undefined;
    }
  }

  /** Continues in a larger area, if it can. Returns whether it did. See "How a ring grows" in `ring-layout.ts`. */
  #grow(): boolean {
    const sendArea = this.#sendArea;
    if (sendArea === undefined) {
      return false;
    }
    const area = makeArea(this.limits);
    const views: AreaViews = viewArea(area);
    const before = { words: this.words, slotMask: this.slotMask, end: this.#head };
    // A getter of a value that is being written may have come here. That value is not where the reader will look.
    this.limit = 0;
    const claim = sendArea(area);
    if (claim === undefined) {
      return false;
    }
    this.enter(views, this.#head, claim);
    this.#sendArea = undefined;
    this.#before = before;
    this.#loadTails();
    return true;
  }

  #slotsUsed(): number {
    return (this.#head - this.#tail) | 0;
  }

  #bytesUsed(): number {
    return (this.#bytesHead - this.#bytesTail) | 0;
  }
}
