/** Tasks that were put in since somebody looked. */

import type { TaskTable } from './task-table';

/** What a list has in the place of a slot that was taken out. */
export const TOMBSTONE = -1;

/** Lists that are not longer than this are not compacted. */
const SHORT = 64;

/** Longer ones are not kept when they are empty. */
const LONG = 4096;

/** Slots of tasks that nobody has looked at yet. Those that are taken out leave holes until there are too many. */
export class InsertionBuffer {
  members: Int32Array = new Int32Array(SHORT);
  end: number = 0;
  #tombstones = 0;
  readonly #slots: TaskTable;
  readonly #mark: number;

  constructor(slots: TaskTable, mark: number) {
    this.#slots = slots;
    this.#mark = mark;
  }

  /** How many there are. */
  get size(): number {
    return this.end - this.#tombstones;
  }

  push(slot: number): void {
    if (this.end === this.members.length) {
      const { members } = this;
      this.members = new Int32Array(2 * this.end);
      this.members.set(members);
    }
    this.members[this.end] = slot;
    this.#slots.place[slot] = 4 * this.end + this.#mark;
    this.end += 1;
  }

  /** Takes one out; each pays for its part of the tidying up. */
  removeAt(index: number): void {
    if (index === this.end - 1) {
      this.end = index;
    } else {
      this.members[index] = TOMBSTONE;
      this.#tombstones += 1;
    }
    if (this.size === 0) {
      this.clear();
    } else if (this.end > SHORT && 2 * this.#tombstones > this.end) {
      this.#compact();
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
    for (let index = 0; index < end; index += 1) {
      const slot = members[index] as number;
      if (slot !== TOMBSTONE) {
        this.push(slot);
      }
    }
  }
}
