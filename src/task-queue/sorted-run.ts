/** Entries that were sorted together, and are dequeued from the front. */

import { TOMBSTONE } from './insertion-buffer';
import { type QueueEntry, type TaskTable, tableIndex } from './task-table';
import type { Sorted } from './radix-sort';

/** How many entries are read together before they are dequeued. */
const PREFETCH = 16;

/** A sorted list of table indices. It does not grow; an entry that is removed from the middle leaves a tombstone. */
export class SortedRun<T extends QueueEntry> {
  /** How many entries are left. */
  size: number = 0;

  readonly #table: TaskTable<T>;
  /** Tells this list from the others in a location. */
  readonly #tag: number;
  #members: Int32Array = new Int32Array(0);
  #due: Float64Array = new Float64Array(0);
  #start = 0;
  /** The entries before this position have been prefetched. */
  #prefetchedTo = 0;
  /** What the prefetch has read. It is never used, but the compiler removes a read without an effect. */
  prefetched: number = 0;

  constructor(table: TaskTable<T>, tag: number) {
    this.#table = table;
    this.#tag = tag;
  }

  /** Returns the first entry's index; -1 if the run is empty. */
  peek(): number {
    if (this.size === 0) {
      return -1;
    }
    let first = this.#members[this.#start] as number;
    while (first === TOMBSTONE) {
      this.#start += 1;
      first = this.#members[this.#start] as number;
    }
    if (this.#start >= this.#prefetchedTo) {
      this.#prefetch();
    }
    return first;
  }

  /** When the first entry is due, after {@link peek} has found it. */
  get due(): number {
    return this.#due[this.#start] as number;
  }

  /** Removes the first entry, after {@link peek} has found it. */
  removeFirst(): void {
    this.removeAt(this.#start);
  }

  /** Removes the entry at `position`. */
  removeAt(position: number): void {
    this.#members[position] = TOMBSTONE;
    this.size -= 1;
    if (this.size === 0) {
      this.#members = new Int32Array(0);
      this.#due = new Float64Array(0);
    }
  }

  /** Copies the indices of all entries, in order, to the beginning of `list`. */
  copyTo(list: Int32Array): void {
    let to = 0;
    for (let position = this.#start; to < this.size; position += 1) {
      const index = this.#members[position] as number;
      if (index !== TOMBSTONE) {
        list[to] = index;
        to += 1;
      }
    }
  }

  /**
   * Reads the next entries. They are dequeued in another order than they were made, so each of a million is a cache
   * miss. The processor waits for many misses together if none depends on another: a run costs 80 ns less.
   */
  #prefetch(): void {
    const end = Math.min(this.#start + PREFETCH, this.#members.length);
    const { entries } = this.#table;
    let sum = 0;
    for (let position = this.#start; position < end; position += 1) {
      const entry = entries[this.#members[position] as number];
      if (entry !== undefined) {
        // Reads the beginning of the object too, where its shape is: Task has this field last, so both cache lines are
        // loaded.
        sum += entry[tableIndex];
      }
    }
    this.prefetched = sum;
    this.#prefetchedTo = end;
  }

  /** Replaces all entries. */
  replace({ indices, due }: Sorted): void {
    const { location } = this.#table;
    for (let position = 0; position < indices.length; position += 1) {
      location[indices[position] as number] = 4 * position + this.#tag;
    }
    this.#members = indices;
    this.#due = due;
    this.size = indices.length;
    this.#start = 0;
    this.#prefetchedTo = 0;
  }
}
