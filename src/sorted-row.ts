/** Tasks that were sorted once, and are taken from the front. */

import { HOLE } from './new-slots';
import type { Slots } from './slots';
import type { Sorted } from './time-sort';

/** The row does not grow; whoever is taken out of the middle leaves a hole. */
export class SortedRow {
  /** How many are left. */
  size: number = 0;

  readonly #slots: Slots;
  readonly #mark: number;
  #members: Int32Array = new Int32Array(0);
  #due: Float64Array = new Float64Array(0);
  #start = 0;

  constructor(slots: Slots, mark: number) {
    this.#slots = slots;
    this.#mark = mark;
  }

  /** The first one; -1 when there is none. */
  peek(): number {
    if (this.size === 0) {
      return -1;
    }
    let first = this.#members[this.#start] as number;
    while (first === HOLE) {
      this.#start += 1;
      first = this.#members[this.#start] as number;
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
    this.#members[index] = HOLE;
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
      if (slot !== HOLE) {
        list[to] = slot;
        to += 1;
      }
    }
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
  }
}
