/** Tasks in the order of their times. */

import { SlotHeap } from './slot-heap';
import { Slots } from './slots';
import type { Task } from './task';
import { sortByTime } from './time-sort';

/** What a list has in the place of a slot that was taken out. */
const HOLE = -1;

/** So many new ones, at the least, are sorted together with the others instead of being put into the heap one by one. */
const WORTH_SORTING = 1024;

/** In which list a slot is: the lower two bits of its place. */
const NEW = 0;
const SORTED = 1;
const HEAP = 2;

/** Lists that are not longer than this are not compacted. */
const SHORT = 64;

/** Slots in a row, in which those that are taken out leave holes until there are too many. */
class SlotList {
  members: Int32Array = new Int32Array(SHORT);
  start: number = 0;
  end: number = 0;
  holes: number = 0;

  readonly #slots: Slots;
  readonly #mark: number;

  constructor(slots: Slots, mark: number) {
    this.#slots = slots;
    this.#mark = mark;
  }

  /** How many there are. */
  get size(): number {
    return this.end - this.start - this.holes;
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

  /** The first one; -1 when there is none. */
  peek(): number {
    while (this.start < this.end && this.members[this.start] === HOLE) {
      this.start += 1;
      this.holes -= 1;
    }
    return this.start < this.end ? (this.members[this.start] as number) : -1;
  }

  /** Takes one out; each pays for its part of the tidying up. */
  removeAt(index: number): void {
    if (index === this.start) {
      this.start += 1;
    } else if (index === this.end - 1) {
      this.end -= 1;
    } else {
      this.members[index] = HOLE;
      this.holes += 1;
    }
    if (this.size === 0) {
      this.clear();
    } else if (this.holes > SHORT && 2 * this.holes > this.end - this.start) {
      const { size } = this;
      const members = new Int32Array(2 * size);
      this.moveTo(members, 0);
      this.replace(members, size);
    }
  }

  /** Moves all to `list`, from `start`, in their order. */
  moveTo(list: Int32Array, start: number): void {
    let to = start;
    for (let index = this.start; index < this.end; index += 1) {
      const slot = this.members[index] as number;
      if (slot !== HOLE) {
        list[to] = slot;
        to += 1;
      }
    }
    this.clear();
  }

  /** Has the first `size` of `members` instead. */
  replace(members: Int32Array, size: number): void {
    this.members = members;
    this.start = 0;
    this.end = size;
    this.holes = 0;
    const { place } = this.#slots;
    for (let index = 0; index < size; index += 1) {
      place[members[index] as number] = 4 * index + this.#mark;
    }
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
    this.holes = 0;
    if (this.members.length > 4096) {
      this.members = new Int32Array(SHORT);
    }
  }
}

/**
 * A task that is put in is only noted. When somebody looks, many new ones are sorted together with the others into one row, and
 * few go into a heap beside it; the first of the two is the first. Sorting a million costs a third of what the heap would.
 */
export class TaskQueue {
  readonly #slots = new Slots();
  readonly #new = new SlotList(this.#slots, NEW);
  readonly #sorted = new SlotList(this.#slots, SORTED);
  readonly #heap = new SlotHeap(this.#slots, HEAP);
  #order = 0;

  get size(): number {
    return this.#slots.size;
  }

  /** The number of the next task to be put in: tasks with a lower number are there already. */
  get nextOrder(): number {
    return this.#order;
  }

  /** All of them, in no order. */
  tasks(): Task[] {
    return this.#slots.tasks.filter((task) => task !== undefined);
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

  /** When a task of this queue is due. */
  dueOf(task: Task): number {
    return this.#slots.due[task.slot] as number;
  }

  /** The first task. */
  peek(): Task | undefined {
    const slot = this.#first();
    return slot < 0 ? undefined : this.#slots.tasks[slot];
  }

  /** When the first task is due; Infinity when there is none. */
  nextDue(): number {
    const slot = this.#first();
    return slot < 0 ? Infinity : (this.#slots.due[slot] as number);
  }

  /** Takes out the first task if it is due at `now`, and has a lower number than `before`. */
  takeDue(now: number, before: number): Task | undefined {
    const slot = this.#first();
    if (slot < 0 || (this.#slots.due[slot] as number) > now || (this.#slots.order[slot] as number) >= before) {
      return undefined;
    }
    const task = this.#slots.tasks[slot];
    this.#removeSlot(slot);
    return task;
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

  /** The slot of the first task; -1 when there is none. */
  #first(): number {
    if (this.#new.end > 0) {
      this.#sortIn();
    }
    const sorted = this.#sorted.peek();
    const heap = this.#heap.peek();
    if (sorted < 0 || heap < 0) {
      return Math.max(sorted, heap);
    }
    return this.#slots.comesBefore(sorted, heap) ? sorted : heap;
  }

  /** Puts the new ones where they belong. */
  #sortIn(): void {
    const { members, start, end, size } = this.#new;
    // At most five are sorted for each new one.
    if (size >= WORTH_SORTING && 5 * size >= this.#slots.size) {
      this.#sortAll();
      return;
    }
    for (let index = start; index < end; index += 1) {
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
    const { size: sorted } = this.#sorted;
    const { size: heaped } = this.#heap;
    this.#sorted.moveTo(all, 0);
    this.#heap.moveTo(all, sorted);
    this.#new.moveTo(all, sorted + heaped);
    const sortedAll = sortByTime(this.#slots, all);
    this.#slots.renumber(sortedAll);
    this.#sorted.replace(sortedAll, all.length);
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
