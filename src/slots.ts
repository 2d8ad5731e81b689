/** The numbers that tasks in a queue have, and what the queue looks up by them. */

import type { Task } from './task';

const LEAST_CAPACITY = 64;

/** An empty queue gives back what is more than this. */
const KEPT_CAPACITY = 4096;

/**
 * A task that waits has a slot, a small integer. Times and places are in typed arrays: a million of them are compared and moved
 * without touching the tasks, which are all over the heap of the process and its garbage collector.
 */
export class Slots {
  /** How many are taken. */
  size: number = 0;
  /** When the task is due, on the monotonic clock. */
  due: Float64Array = new Float64Array(LEAST_CAPACITY);
  /** When it was installed, among others. */
  order: Float64Array = new Float64Array(LEAST_CAPACITY);
  /** Where it is in the queue; of a free slot, the next free one. */
  place: Int32Array = new Int32Array(LEAST_CAPACITY);
  /** Whose slot it is. */
  tasks: (Task | undefined)[] = [];

  #free = -1;
  /** Slots from here on were never taken. */
  #fresh = 0;

  take(task: Task, due: number, order: number): number {
    let slot = this.#free;
    if (slot >= 0) {
      this.#free = this.place[slot] as number;
    } else {
      slot = this.#fresh;
      if (slot === this.due.length) {
        this.#resize(2 * slot);
      }
      this.#fresh += 1;
    }
    // Minus zero is zero, also for those who compare bits.
    this.due[slot] = due + 0;
    this.order[slot] = order;
    this.tasks[slot] = task;
    task.slot = slot;
    this.size += 1;
    return slot;
  }

  giveBack(slot: number): void {
    (this.tasks[slot] as Task).takenOut(this.due[slot] as number);
    this.tasks[slot] = undefined;
    this.size -= 1;
    if (this.size > 0) {
      this.place[slot] = this.#free;
      this.#free = slot;
      return;
    }
    // Those who come next have neighbouring slots again, and nobody pays for the most there ever were.
    this.#free = -1;
    this.#fresh = 0;
    if (this.due.length > KEPT_CAPACITY) {
      this.tasks = [];
      this.#resize(LEAST_CAPACITY);
    }
  }

  /** For two that are due at the same time: negative when the first one comes first. */
  compareAtSameTime(a: number, b: number): number {
    const byPriority = (this.tasks[a] as Task).priority - (this.tasks[b] as Task).priority;
    return byPriority || (this.order[a] as number) - (this.order[b] as number);
  }

  #resize(capacity: number): void {
    const { due, order, place } = this;
    const kept = Math.min(capacity, due.length);
    this.due = new Float64Array(capacity);
    this.order = new Float64Array(capacity);
    this.place = new Int32Array(capacity);
    this.due.set(due.subarray(0, kept));
    this.order.set(order.subarray(0, kept));
    this.place.set(place.subarray(0, kept));
  }
}
