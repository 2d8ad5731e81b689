/** The numbers that tasks in a queue have, and what the queue looks up by them. */

/** The key of an entry's index in the table. */
export const tableIndex: unique symbol = Symbol('tableIndex');

/** The key of what an entry does when it leaves the table, told when it was due. */
export const onDequeued: unique symbol = Symbol('onDequeued');

/** What the queue needs of its entries. */
export interface QueueEntry {
  /** Written by the queue alone, while the entry is in it. */
  [tableIndex]: number;
  /** Of entries that are due at the same time, the lower comes first. */
  readonly priority: number;
  [onDequeued](due: number): void;
}

const MIN_CAPACITY = 64;

/** An empty queue gives back what is more than this. */
const KEPT_CAPACITY = 4096;

/**
 * A task that waits has a slot, a small integer. Times and places are in typed arrays: a million of them are compared and moved
 * without touching the tasks, which are all over the heap of the process and its garbage collector.
 */
export class TaskTable<T extends QueueEntry = QueueEntry> {
  /** How many are taken. */
  size: number = 0;
  /** When the task is due, on the monotonic clock. */
  due: Float64Array = new Float64Array(MIN_CAPACITY);
  /** When it was installed, among others. */
  order: Float64Array = new Float64Array(MIN_CAPACITY);
  /** Where it is in the queue. */
  place: Int32Array = new Int32Array(MIN_CAPACITY);
  /** Whose slot it is. */
  tasks: (T | undefined)[] = [];

  /** Slots that were given back. They are noted side by side: a list through their places would be all over the memory. */
  #free = new Int32Array(MIN_CAPACITY);
  #freeCount = 0;
  /** Slots from here on were never taken. */
  #fresh = 0;

  take(task: T, due: number, order: number): number {
    let slot: number;
    if (this.#freeCount > 0) {
      this.#freeCount -= 1;
      slot = this.#free[this.#freeCount] as number;
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
    task[tableIndex] = slot;
    this.size += 1;
    return slot;
  }

  /** Takes out the task that is due at `due`; whoever calls has the time at hand, and here it may be far away. */
  free(slot: number, due: number): T {
    const task = this.tasks[slot] as T;
    task[onDequeued](due);
    this.tasks[slot] = undefined;
    this.size -= 1;
    if (this.size > 0) {
      this.#noteFree(slot);
      return task;
    }
    // Those who come next have neighbouring slots again, and nobody pays for the most there ever were.
    this.#freeCount = 0;
    this.#fresh = 0;
    if (this.due.length > KEPT_CAPACITY) {
      this.tasks = [];
      this.#resize(MIN_CAPACITY);
      this.#free = new Int32Array(MIN_CAPACITY);
    }
    return task;
  }

  /** For two that are due at the same time: negative when the first one comes first. */
  compareAtSameTime(a: number, b: number): number {
    const byPriority = (this.tasks[a] as T).priority - (this.tasks[b] as T).priority;
    return byPriority || (this.order[a] as number) - (this.order[b] as number);
  }

  #noteFree(slot: number): void {
    if (this.#freeCount === this.#free.length) {
      const free = this.#free;
      this.#free = new Int32Array(2 * this.#freeCount);
      this.#free.set(free);
    }
    this.#free[this.#freeCount] = slot;
    this.#freeCount += 1;
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
