/** Tasks in the order of their times. */

import { HOLE, NewSlots } from './new-slots';
import { SlotHeap } from './slot-heap';
import { Slots } from './slots';
import { SortedRow } from './sorted-row';
import type { Task } from './task';
import { sortByTime } from './time-sort';

/** So many new ones, at the least, are sorted together with the others instead of being put into the heap one by one. */
const WORTH_SORTING = 1024;

/** In which list a slot is: the lower two bits of its place. */
const NEW = 0;
const SORTED = 1;
const HEAP = 2;

/**
 * A task that is put in is only noted. When somebody looks, many new ones are sorted together with the others into one row, and
 * few go into a heap beside it; the first of the two is the first. Of a million, sorting costs 90 ns each, and the heap 390.
 */
export class TaskQueue {
  readonly #slots = new Slots();
  readonly #new = new NewSlots(this.#slots, NEW);
  readonly #sorted = new SortedRow(this.#slots, SORTED);
  readonly #heap = new SlotHeap(this.#slots, HEAP);
  #order = 0;
  #due = Infinity;

  get size(): number {
    return this.#slots.size;
  }

  /** The number of the next task to be put in: tasks with a lower number are there already. */
  get nextOrder(): number {
    return this.#order;
  }

  /** Puts in a task that is in no queue. */
  push(task: Task, due: number): void {
    this.#new.push(this.#slots.take(task, due, this.#order));
    this.#order += 1;
  }

  /** Takes a task out; false when it is not in this queue. */
  remove(task: Task): boolean {
    const { slot } = task;
    if (slot < 0 || this.#slots.tasks[slot] !== task) {
      return false;
    }
    this.#removeSlot(slot);
    return true;
  }

  /** When a task is due; undefined when it is not in this queue. */
  dueOf(task: Task): number | undefined {
    const { slot } = task;
    return slot >= 0 && this.#slots.tasks[slot] === task ? this.#slots.due[slot] : undefined;
  }

  /** When the first task is due; Infinity when there is none. */
  nextDue(): number {
    const first = this.#first();
    return first === undefined ? Infinity : this.#due;
  }

  /** Takes out the first task if it is due at `now`, and has a lower number than `before`. */
  takeDue(now: number, before: number): Task | undefined {
    const first = this.#first();
    if (first === undefined || this.#due > now || (this.#slots.order[first.slot] as number) >= before) {
      return undefined;
    }
    this.#removeSlot(first.slot);
    return first;
  }

  /** Has each task due at another time. */
  reschedule(due: (task: Task, due: number) => number): void {
    const { tasks } = this.#slots;
    for (let slot = 0; slot < tasks.length; slot += 1) {
      const task = tasks[slot];
      if (task !== undefined) {
        this.#slots.due[slot] = due(task, this.#slots.due[slot] as number) + 0;
      }
    }
    this.#sortAll();
  }

  /** The first task; `#due` is when it is due. */
  #first(): Task | undefined {
    if (this.#new.end > 0) {
      this.#sortIn();
    }
    const sorted = this.#sorted.peek();
    const slot = this.#heap.peek();
    if (sorted !== undefined) {
      this.#due = this.#sorted.due;
    }
    if (slot < 0) {
      return sorted;
    }
    const due = this.#slots.due[slot] as number;
    if (
      sorted !== undefined &&
      (this.#due === due ? this.#slots.compareAtSameTime(sorted.slot, slot) < 0 : this.#due < due)
    ) {
      return sorted;
    }
    this.#due = due;
    return this.#slots.tasks[slot];
  }

  /** Puts the new ones where they belong. */
  #sortIn(): void {
    const { members, end, size } = this.#new;
    // At most five are sorted for each new one.
    if (size >= WORTH_SORTING && 5 * size >= this.#slots.size) {
      this.#sortAll();
      return;
    }
    for (let index = 0; index < end; index += 1) {
      const slot = members[index] as number;
      if (slot !== HOLE) {
        this.#heap.push(slot);
      }
    }
    this.#new.clear();
  }

  #sortAll(): void {
    const all = new Int32Array(this.#slots.size);
    // Those who came first are first, which leaves less to sort among equals.
    this.#sorted.copyTo(all);
    this.#heap.moveTo(all, this.#sorted.size);
    let to = all.length - this.#new.size;
    const { members, end } = this.#new;
    for (let index = 0; index < end; index += 1) {
      const slot = members[index] as number;
      if (slot !== HOLE) {
        all[to] = slot;
        to += 1;
      }
    }
    this.#new.clear();
    this.#sorted.replace(sortByTime(this.#slots, all));
  }

  #removeSlot(slot: number): void {
    const place = this.#slots.place[slot] as number;
    const index = place >> 2;
    switch (place & 3) {
      case NEW:
        this.#new.removeAt(index);
        break;
      case SORTED:
        this.#sorted.removeAt(index);
        break;
      default:
        this.#heap.removeAt(index);
    }
    this.#slots.giveBack(slot);
  }
}
