/** The entries that were pushed since the queue was last read. */

import type { QueueEntry, TaskTable } from './task-table';

/** What a list has at the position of an entry that was removed. */
export const TOMBSTONE = -1;

/** Lists up to this length are not compacted. */
const SHORT = 64;

/** An empty list that is longer than this releases its memory. */
const LONG = 4096;

/** An unordered list of table indices. An entry that is removed leaves a tombstone; too many of them are compacted. */
export class InsertionBuffer<T extends QueueEntry> {
  members: Int32Array = new Int32Array(SHORT);
  end: number = 0;
  #tombstones = 0;
  readonly #table: TaskTable<T>;
  /** Tells this list from the others in a location. */
  readonly #tag: number;

  constructor(table: TaskTable<T>, tag: number) {
    this.#table = table;
    this.#tag = tag;
  }

  /** How many entries are in the buffer. */
  get size(): number {
    return this.end - this.#tombstones;
  }

  push(index: number): void {
    if (this.end === this.members.length) {
      const { members } = this;
      this.members = new Int32Array(2 * this.end);
      this.members.set(members);
    }
    this.members[this.end] = index;
    this.#table.location[index] = 4 * this.end + this.#tag;
    this.end += 1;
  }

  /** Removes the entry at `position`, in constant time amortised over all removals. */
  removeAt(position: number): void {
    if (position === this.end - 1) {
      this.end = position;
    } else {
      this.members[position] = TOMBSTONE;
      this.#tombstones += 1;
    }
    if (this.size === 0) {
      this.clear();
    } else if (this.end > SHORT && 2 * this.#tombstones > this.end) {
      this.#compact();
    }
  }

  /** Replaces all entries. */
  replace(indices: Int32Array): void {
    this.members = new Int32Array(Math.max(SHORT, indices.length));
    this.end = 0;
    this.#tombstones = 0;
    for (const index of indices) {
      this.push(index);
    }
  }

  clear(): void {
    this.end = 0;
    this.#tombstones = 0;
    if (this.members.length > LONG) {
      this.members = new Int32Array(SHORT);
    }
  }

  #compact(): void {
    const { members, end } = this;
    this.members = new Int32Array(2 * this.size);
    this.end = 0;
    this.#tombstones = 0;
    for (let position = 0; position < end; position += 1) {
      const index = members[position] as number;
      if (index !== TOMBSTONE) {
        this.push(index);
      }
    }
  }
}
