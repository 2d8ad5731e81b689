/** Tasks that were sorted once, and are taken from the front. */

import { TOMBSTONE } from './insertion-buffer';
import { type TaskTable, tableIndex } from './task-table';
import type { Sorted } from './radix-sort';

/** So many tasks are looked at together before it is their turn. */
const PREFETCH = 16;

/** The row does not grow; whoever is taken out of the middle leaves a hole. */
export class SortedRun {
  /** How many are left. */
  size: number = 0;

  readonly #slots: TaskTable;
  readonly #mark: number;
  #members: Int32Array = new Int32Array(0);
  #due: Float64Array = new Float64Array(0);
  #start = 0;
  /** Up to here tasks were looked at before their turn. */
  #prefetchedTo = 0;
  /** What was seen: nobody wants it, but what is read for nothing is optimised away. */
  prefetched: number = 0;

  constructor(slots: TaskTable, mark: number) {
    this.#slots = slots;
    this.#mark = mark;
  }

  /** The first one; -1 when there is none. */
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

  /** When the first one is due that {@link peek} has found. */
  get due(): number {
    return this.#due[this.#start] as number;
  }

  /** Takes out the first one, which {@link peek} has found. */
  removeFirst(): void {
    this.removeAt(this.#start);
  }

  removeAt(index: number): void {
    this.#members[index] = TOMBSTONE;
    this.size -= 1;
    if (this.size === 0) {
      this.#members = new Int32Array(0);
      this.#due = new Float64Array(0);
    }
  }

  /** Copies the slots of all to `list`, from its beginning, in their order. */
  copyTo(list: Int32Array): void {
    let to = 0;
    for (let index = this.#start; to < this.size; index += 1) {
      const slot = this.#members[index] as number;
      if (slot !== TOMBSTONE) {
        list[to] = slot;
        to += 1;
      }
    }
  }

  /**
   * Tasks that were installed one after the other are run in quite another order, and each of a million is a cache miss. The
   * processor waits for many at once when they do not wait for each other: a run costs 80 ns less.
   */
  #prefetch(): void {
    const end = Math.min(this.#start + PREFETCH, this.#members.length);
    const { tasks } = this.#slots;
    let sum = 0;
    for (let index = this.#start; index < end; index += 1) {
      const task = tasks[this.#members[index] as number];
      if (task !== undefined) {
        // The first field, and the last one.
        sum += task[tableIndex];
        sum += task.priority;
      }
    }
    this.prefetched = sum;
    this.#prefetchedTo = end;
  }

  /** Has other tasks instead. */
  replace({ slots, due }: Sorted): void {
    const { place } = this.#slots;
    for (let index = 0; index < slots.length; index += 1) {
      place[slots[index] as number] = 4 * index + this.#mark;
    }
    this.#members = slots;
    this.#due = due;
    this.size = slots.length;
    this.#start = 0;
    this.#prefetchedTo = 0;
  }
}
