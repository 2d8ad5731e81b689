/**
 * A queue from one thread to another in shared memory: one writer, one reader, no lock. `ring-writer.ts` and
 * `ring-reader.ts` are the two ends. This file has the layout, and the argument why no record and no wake-up is lost.
 *
 * ```text
 *  words   HEAD │ TAIL  BYTES_TAIL │ WAITING  WAKE_TAIL  WAKE_BYTES_TAIL  MARKS
 *  slots   ┌──────────────┬──────────────┬─────┐          fixed size, one for each record: its kind, numbers and time
 *          └──────────────┴──────────────┴─────┘
 *  bytes   ┌───────────────────────────────────┬───────┐  payloads that do not fit into a slot, in the same order
 *          └───────────────────────────────────┴───────┘
 *                                        the margin ▲
 * ```
 *
 * Positions count on forever, modulo 2^32; HEAD's modulo 2^31, because its lowest bit is a flag. Both sizes are powers
 * of two.
 *
 * A ring begins with a small area of slots and bytes. When that is full, or too small for a payload, the writer makes a
 * larger one, sends it through the side channel, and continues there: see "How a ring grows".
 *
 * ## Who writes what
 *
 * The writer writes slots, bytes, WAITING, WAKE_TAIL, WAKE_BYTES_TAIL, MARKS, GROWN_AT and GROWN_CLAIM, and adds to
 * HEAD. The reader writes TAIL and BYTES_TAIL, and sets and clears the lowest bit of HEAD. Each end remembers the
 * other's position and loads it only when it would otherwise have nothing to do: an atomic operation costs more than
 * all the rest of a record.
 *
 * ## Which store pairs with which load
 *
 * HEAD, TAIL, BYTES_TAIL and WAITING are accessed by `Atomics` alone, so all their loads and stores are in one order on
 * which both threads agree. Everything else is plain memory, and ordered by them.
 *
 * 1. **A record that is seen is complete.** The writer writes slot and bytes, and *then* adds to HEAD
 *    (`RingWriter.#write`). The reader loads HEAD, and *then* reads slot and bytes (`RingReader.available`).
 * 2. **A slot is not reused before it was read.** The reader reads the record, and *then* stores TAIL and BYTES_TAIL
 *    (`RingReader.publish`). The writer loads these, and *then* writes there (`RingWriter.#loadTails`).
 * 3. **A record is polled or notified.** UNPOLLED_BIT in HEAD says that the reader does not look for records by itself.
 *    A reader that stops polling sets the bit, and *then* loads HEAD once more. The writer's add to HEAD returns the
 *    bit. Both change the same word, one after the other. If the add comes first, the reader's last load sees the
 *    record. If the bit comes first, the writer finds it, and knows that the reader may have to be woken: how is for
 *    its users to say (`protocol/control-block.ts`). One atomic operation publishes the record and reads the bit: 5 ns
 *    less, of a task's 68, than a store and a load.
 * 4. **A writer that waits for room is woken.** The writer stores WAITING, and *then* loads the tails and tries once
 *    more (`RingWriter.setWaiting`). The reader stores the tails, and *then* loads WAITING (`RingReader.publish`). At
 *    least one of the two loads sees the other thread's store: either the writer finds room, or the reader finds it
 *    waiting. WAKE_TAIL and WAKE_BYTES_TAIL are written before WAITING is stored, and read after it was loaded.
 * 5. **A mark is seen with its record.** The writer raises MARKS, and *then* adds the record to HEAD
 *    (`RingWriter.pushRecord`). The reader loads HEAD, and *then* reads MARKS: it may count a mark whose record it does
 *    not see yet, but never misses one.
 *
 * 6. **A record in the larger area is read there.** The writer posts the area, writes GROWN_AT, the position from which
 *    on records are in it, *then* stores GROWN_CLAIM, and *then* adds such a record to HEAD (`RingEnd.enter`). The
 *    reader loads HEAD, and *then* GROWN_CLAIM (`RecordReader.available`): when it sees the record, it finds the area.
 *
 * ## How a ring grows
 *
 * Only the slots and bytes are replaced, once. The words stay, and the positions count on: a record is in the area that
 * its position tells. So order, room, marks and wake-ups are as if the ring had been large from the beginning. The
 * writer does not write to the first area again, and the reader leaves it when it has read what is there.
 *
 * ## Bytes
 *
 * The bytes of one record are contiguous. What begins before the end continues in the margin, and as many bytes at the
 * beginning are skipped. So payloads are written where they travel, and read there. They begin at multiples of eight:
 * V8 copies shared memory byte by byte otherwise, a kilobyte in 380 ns instead of 75.
 *
 * ## A writer that writes anything
 *
 * Both ends use only memory whose size was checked, and mask every position that they use as an index. So garbage in
 * the words and slots makes the reader read other bytes of this ring, and nothing beyond it. A reader that finds an
 * impossible number of records gives up: `RingReader.isBroken`.
 */

import { types } from 'node:util';

/** Words that different threads write are in different cache lines. */
export const HEAD = 0;
export const TAIL = 16;
export const BYTES_TAIL = 17;
export const WAITING = 32;
export const WAKE_TAIL = 33;
export const WAKE_BYTES_TAIL = 34;
export const MARKS = 35;
export const GROWN_AT = 36;
export const GROWN_CLAIM = 37;
const RELEASED = 48;
const HEADER_BYTES = 256;

/** In HEAD: the reader does not look for records by itself. The position is above. */
export const UNPOLLED_BIT = 1;
export const ONE_RECORD = 2;

/** A slot: two doubles, then four 32-bit words. */
export const SLOT_DOUBLES = 4;
export const SLOT_WORDS = 8;
export const VALUE = 0;
export const TIME = 1;
export const KIND = 4;
export const ARG = 5;
export const SIZE = 6;
export const ID = 7;

/** The memory of records. */
export interface RingArea {
  readonly slots: SharedArrayBuffer;
  /** With the margin. */
  readonly bytes: SharedArrayBuffer;
}

/** How many records, and how many bytes of them, padded, may be in an area at a time. Both are powers of two. */
export interface RingSizes {
  readonly slots: number;
  readonly bytes: number;
}

/** The shared memory of a ring. */
export interface RingMemory {
  readonly words: SharedArrayBuffer;
  /** Where the records are at first. */
  readonly area: RingArea;
  /** The sizes of the area that may replace it. */
  readonly limits: RingSizes;
}

/** Sends an area to the reader, and returns the claim for it. Returns `undefined` when that is not possible. */
export type SendArea = (area: RingArea) => number | undefined;

/** How many records, and bytes of them, padded, have gone through a ring. */
export interface RingPosition {
  readonly records: number;
  readonly bytes: number;
}

/** What is in a slot. The users of a ring give the numbers their meaning. */
export interface RecordHeader {
  kind: number;
  /** A 32-bit number whose meaning depends on the kind. */
  arg: number;
  /** A double. */
  value: number;
  /** A time. */
  time: number;
  /** The task or call that the record belongs to. */
  id: number;
}

/**
 * A record as one object: on the rarer paths, and where it waits for room. On the fast path its fields are arguments.
 */
export interface RingRecord extends RecordHeader {
  /** At most {@link RingEnd.largest} bytes. */
  data: Uint8Array | undefined;
}

const BEGINNING: RingPosition = { records: 0, bytes: 0 };

/**
 * Makes the memory of a ring, which may grow up to `limits`. Both ends begin at `start`: tests set it to see what
 * happens when positions wrap around.
 */
export function makeRingMemory(
  sizes: RingSizes,
  limits: RingSizes = sizes,
  start: RingPosition = BEGINNING,
): RingMemory {
  const words = new SharedArrayBuffer(HEADER_BYTES);
  const header = new Int32Array(words);
  header[HEAD] = (start.records * ONE_RECORD) | UNPOLLED_BIT;
  header[TAIL] = start.records;
  header[BYTES_TAIL] = start.bytes;
  return { words, area: makeArea(sizes), limits };
}

/** Makes the memory of a ring that one thread uses alone: its writer finds a reader that polls. */
export function makePrivateRingMemory(sizes: RingSizes): RingMemory {
  const memory = makeRingMemory(sizes);
  new Int32Array(memory.words)[HEAD] = 0;
  return memory;
}

/** Makes the memory for so many records and bytes. */
export function makeArea({ slots, bytes }: RingSizes): RingArea {
  return {
    slots: new SharedArrayBuffer(slotBytes(slots)),
    bytes: new SharedArrayBuffer(bytes + largestOf(bytes)),
  };
}

/** Says that the end that did not make the memory does not use it any more. Its owner may use it again. */
export function releaseRingMemory({ words }: RingMemory): void {
  Atomics.store(new Int32Array(words), RELEASED, 1);
}

/** Makes memory new again, for two new ends; returns false when the other end has not released it. */
export function renewRingMemory({ words }: RingMemory): boolean {
  const header = new Int32Array(words);
  const isReleased = Atomics.load(header, RELEASED) !== 0;
  if (isReleased) {
    resetHeader(header);
  }
  return isReleased;
}

/** Makes memory new again that no end uses. */
export function resetRingMemory({ words }: RingMemory): void {
  resetHeader(new Int32Array(words));
}

function resetHeader(header: Int32Array): void {
  header.fill(0);
  header[HEAD] = UNPOLLED_BIT;
}

/**
 * Returns whether a value is the memory of a ring that {@link makeRingMemory} made with these limits, and one of these
 * sizes.
 */
export function isRingMemory(value: unknown, limits: RingSizes, ...sizes: RingSizes[]): value is RingMemory {
  const { words, area, limits: given }: Partial<RingMemory> = typeof value === 'object' && value !== null ? value : {};
  return (
    types.isSharedArrayBuffer(words) &&
    words.byteLength === HEADER_BYTES &&
    sizes.some((size) => isArea(area, size)) &&
    typeof given === 'object' &&
    given !== null &&
    given.slots === limits.slots &&
    given.bytes === limits.bytes
  );
}

/** Returns whether a value is an area with these sizes. */
export function isArea(value: unknown, sizes: RingSizes): value is RingArea {
  const { slots, bytes }: Partial<RingArea> = typeof value === 'object' && value !== null ? value : {};
  return (
    types.isSharedArrayBuffer(slots) &&
    types.isSharedArrayBuffer(bytes) &&
    slots !== bytes &&
    slots.byteLength === slotBytes(sizes.slots) &&
    bytes.byteLength === sizes.bytes + largestOf(sizes.bytes)
  );
}

/** Returns the room that `size` bytes occupy. */
export function padded(size: number): number {
  return (size + 7) & ~7;
}

/** Returns how many bytes one record may have. */
function largestOf(byteCapacity: number): number {
  return byteCapacity / 2;
}

/** Returns the size of the memory for so many slots. */
function slotBytes(slots: number): number {
  return slots * SLOT_DOUBLES * Float64Array.BYTES_PER_ELEMENT;
}

/** What an end uses of an area. */
export interface AreaViews {
  readonly area: RingArea;
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly doubles: Float64Array;
  readonly words: Int32Array;
  readonly slots: number;
  readonly byteCapacity: number;
}

/** Opens an area. */
export function viewArea(area: RingArea): AreaViews {
  const doubles = new Float64Array(area.slots);
  return {
    area,
    bytes: Buffer.from(area.bytes),
    view: new DataView(area.bytes),
    doubles,
    words: new Int32Array(area.slots),
    slots: doubles.length / SLOT_DOUBLES,
    // What is left is the margin, which is half as long.
    byteCapacity: (area.bytes.byteLength / 3) * 2,
  };
}

/** What both ends have. */
export class RingEnd {
  /** The bytes of all records in the area, which are written and read in place. */
  bytes: Buffer;
  view: DataView;
  /** The memory of {@link RingEnd.bytes}: to ask a Buffer for it costs 25 ns. */
  buffer: SharedArrayBuffer;
  /** How many bytes one record may have. What is longer travels in pieces. */
  largest: number;
  /** The sizes that the ring may have. */
  readonly limits: RingSizes;
  protected readonly header: Int32Array;
  protected doubles: Float64Array;
  protected words: Int32Array;
  protected slotCapacity: number;
  protected slotMask: number;
  protected byteCapacity: number;
  protected byteMask: number;
  /** Whether the area has the sizes that the ring may have. */
  protected isLarge: boolean;
  readonly #memory: SharedArrayBuffer;
  #area: RingArea;

  constructor({ words, area, limits }: RingMemory) {
    const views = viewArea(area);
    this.header = new Int32Array(words);
    this.limits = limits;
    this.#memory = words;
    this.#area = area;
    this.bytes = views.bytes;
    this.view = views.view;
    this.buffer = area.bytes;
    this.doubles = views.doubles;
    this.words = views.words;
    this.slotCapacity = views.slots;
    this.slotMask = views.slots - 1;
    this.byteCapacity = views.byteCapacity;
    this.byteMask = views.byteCapacity - 1;
    this.largest = largestOf(views.byteCapacity);
    this.isLarge = views.slots === limits.slots && views.byteCapacity === limits.bytes;
  }

  /** The memory, with the area that this end uses now. */
  get memory(): RingMemory {
    return { words: this.#memory, area: this.#area, limits: this.limits };
  }

  /** Continues in the larger area. The writer says so before: `claim` is not 0. */
  protected enter(views: AreaViews, at: number, claim: number): void {
    if (claim !== 0) {
      this.header[GROWN_AT] = at;
      Atomics.store(this.header, GROWN_CLAIM, claim);
    }
    // No calls from here on: where the stack ends, either all of this is done or nothing.
    this.#area = views.area;
    this.bytes = views.bytes;
    this.view = views.view;
    this.buffer = views.area.bytes;
    this.doubles = views.doubles;
    this.words = views.words;
    this.slotCapacity = views.slots;
    this.slotMask = views.slots - 1;
    this.byteCapacity = views.byteCapacity;
    this.byteMask = views.byteCapacity - 1;
    this.largest = views.byteCapacity / 2;
    this.isLarge = true;
  }
}
