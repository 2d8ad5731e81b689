/** Tasks that were sorted once, and are taken from the front. */

import type { Slots } from './slots';
import type { Task } from './task';
import type { Sorted } from './time-sort';

/** The row does not grow; whoever is taken out of the middle leaves a hole. */
export class SortedRow {
  /** How many are left. */
  size: number = 0;

  readonly #slots: Slots;
  readonly #mark: number;
  #tasks: (Task | undefined)[] = [];
  #due: Float64Array = new Float64Array(0);
  #start = 0;

  constructor(slots: Slots, mark: number) {
    this.#slots = slots;
    this.#mark = mark;
  }

  /** The first one. */
  peek(): Task | undefined {
    if (this.size === 0) {
      return undefined;
    }
    let first = this.#tasks[this.#start];
    while (first === undefined) {
      this.#start += 1;
      first = this.#tasks[this.#start];
    }
    return first;
  }

  /** When the first one is due that {@link peek} has found. */
  get due(): number {
    return this.#due[this.#start] as number;
  }

  removeAt(index: number): void {
    this.#tasks[index] = undefined;
    this.size -= 1;
    if (this.size === 0) {
      this.#tasks = [];
      this.#due = new Float64Array(0);
    }
  }

  /** Copies the slots of all to `list`, from its beginning, in their order. */
  copyTo(list: Int32Array): void {
    let to = 0;
    for (let index = this.#start; to < this.size; index += 1) {
      const task = this.#tasks[index];
      if (task !== undefined) {
        list[to] = task.slot;
        to += 1;
      }
    }
  }

  /** Has other tasks instead. */
  replace({ slots, due }: Sorted): void {
    const { tasks, place } = this.#slots;
    const count = slots.length;
    // oxlint-disable-next-line unicorn/no-new-array -- one that grows is copied twenty times on its way to a million
    const row = new Array<Task | undefined>(count);
    for (let index = 0; index < count; index += 1) {
      const slot = slots[index] as number;
      row[index] = tasks[slot];
      place[slot] = 4 * index + this.#mark;
    }
    this.#tasks = row;
    this.#due = due;
    this.size = count;
    this.#start = 0;
  }
}
