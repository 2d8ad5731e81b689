/** Tasks in the order of their times. */

import { TOMBSTONE, InsertionBuffer } from './insertion-buffer';
import { IndexedHeap } from './indexed-heap';
import { type QueueEntry, TaskTable, tableIndex } from './task-table';
import { SortedRun } from './sorted-run';
import { sortByTime } from './radix-sort';

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
export class TaskQueue<T extends QueueEntry = QueueEntry> {
  readonly #slots = new TaskTable<T>();
  readonly #new = new InsertionBuffer(this.#slots, NEW);
  readonly #sorted = new SortedRun(this.#slots, SORTED);
  readonly #heap = new IndexedHeap(this.#slots, HEAP);
  #order = 0;
  /** Those that are not new have lower numbers. (Of the new ones, those have that a pass has put back.) */
  #looked = 0;
  /** When the first one is due, and whether it is in the heap. */
  #due = Infinity;
  #isInHeap = false;

  get size(): number {
    return this.#slots.size;
  }

  /** Puts in a task that is in no queue. */
  push(task: T, due: number): void {
    this.#new.push(this.#slots.take(task, due, this.#order));
    this.#order += 1;
  }

  /** Takes a task out; false when it is not in this queue. */
  remove(task: T): boolean {
    const { [tableIndex]: slot } = task;
    if (slot < 0 || this.#slots.tasks[slot] !== task) {
      return false;
    }
    this.#removeSlot(slot);
    return true;
  }

  /** When a task is due; undefined when it is not in this queue. */
  dueOf(task: T): number | undefined {
    const { [tableIndex]: slot } = task;
    return slot >= 0 && this.#slots.tasks[slot] === task ? this.#slots.due[slot] : undefined;
  }

  /** When the first task is due; Infinity when there is none. */
  nextDue(): number {
    this.#sortIn();
    return this.#first() < 0 ? Infinity : this.#due;
  }

  /** Begins to take out what is due now: only tasks with a lower number than the one that is returned. */
  beginPass(): number {
    this.#sortIn();
    return this.#order;
  }

  /** Takes out the first task if it is due at `now`. */
  dequeueDue(now: number): T | undefined {
    this.#sortIn();
    const slot = this.#first();
    return slot < 0 || this.#due > now ? undefined : this.#slots.free(this.#removeFirst(slot), this.#due);
  }

  /**
   * The same of the tasks that were there when the pass with this number began. Those that were put in since stay among the new ones,
   * where they hold up nobody, unless somebody has looked.
   */
  dequeueDueInPass(now: number, pass: number): T | undefined {
    let slot = this.#first();
    // The order is asked for where it may matter: of a million, each is in a place of its own in the memory.
    while (this.#looked > pass && slot >= 0 && this.#due <= now && (this.#slots.order[slot] as number) >= pass) {
      this.#new.push(this.#removeFirst(slot));
      slot = this.#first();
    }
    return slot < 0 || this.#due > now ? undefined : this.#slots.free(this.#removeFirst(slot), this.#due);
  }

  /** Has each task due at another time. */
  reschedule(due: (task: T, due: number) => number): void {
    const { tasks } = this.#slots;
    for (let slot = 0; slot < tasks.length; slot += 1) {
      const task = tasks[slot];
      if (task !== undefined) {
        this.#slots.due[slot] = due(task, this.#slots.due[slot] as number) + 0;
      }
    }
    this.#looked = this.#order;
    this.#sortAll();
  }

  /** The slot of the first task that is not new; -1 when there is none. */
  #first(): number {
    const sorted = this.#sorted.peek();
    const slot = this.#heap.peek();
    if (sorted >= 0) {
      this.#due = this.#sorted.due;
    }
    this.#isInHeap = slot >= 0 && !(sorted >= 0 && this.#comesBefore(sorted, slot));
    if (!this.#isInHeap) {
      return sorted;
    }
    this.#due = this.#slots.due[slot] as number;
    return slot;
  }

  /** Takes the one out of its list that {@link TaskQueue.#first} has found. */
  #removeFirst(slot: number): number {
    if (this.#isInHeap) {
      this.#heap.removeAt(0);
    } else {
      this.#sorted.removeFirst();
    }
    return slot;
  }

  /** Whether the first one of the row, which is due at `#due`, comes before that of the heap. */
  #comesBefore(sorted: number, slot: number): boolean {
    const due = this.#slots.due[slot] as number;
    return this.#due === due ? this.#slots.compareAtSameTime(sorted, slot) < 0 : this.#due < due;
  }

  /** Puts the new ones where they belong. */
  #sortIn(): void {
    const { members, end, size } = this.#new;
    if (end === 0) {
      return;
    }
    this.#looked = this.#order;
    // At most five are sorted for each new one.
    if (size >= WORTH_SORTING && 5 * size >= this.#slots.size) {
      this.#sortAll();
      return;
    }
    for (let index = 0; index < end; index += 1) {
      const slot = members[index] as number;
      if (slot !== TOMBSTONE) {
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
      if (slot !== TOMBSTONE) {
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
    this.#slots.free(slot, this.#slots.due[slot] as number);
  }
}
