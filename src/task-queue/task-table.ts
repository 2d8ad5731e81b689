/** The table of the entries that wait in a queue, and what a queue requires of an entry. */

const MIN_CAPACITY = 64;

/** An empty table releases its memory if it has more room than this. */
const KEPT_CAPACITY = 4096;

/** The key under which an entry keeps its index in the table. */
export const tableIndex: unique symbol = Symbol('tableIndex');

/** The key of the method that is called when an entry leaves its queue. */
export const onDequeued: unique symbol = Symbol('onDequeued');

/**
 * What a queue requires of an entry. The members that belong to the queue have symbols for names, so that a subclass of
 * an entry may use any name.
 */
export interface QueueEntry {
  /** Among entries that are due at the same time, lower numbers come first. */
  readonly priority: number;
  /**
   * The index in the table while the entry is in a queue; negative outside. The table writes it on entry only:
   * `onDequeued` has to write a negative number.
   */
  [tableIndex]: number;
  /** Called when the entry leaves its queue, where it was due at `due`. */
  [onDequeued](due: number): void;
}

/**
 * Gives each waiting entry an index, a small integer. Due times and locations are in typed arrays at that index: a
 * million of them are compared and moved without a read of the entries, which lie scattered over the heap of the
 * garbage collector.
 */
export class TaskTable<T extends QueueEntry> {
  /** How many entries are in the table. */
  size: number = 0;
  /** When the entry is due, on the monotonic clock. */
  due: Float64Array = new Float64Array(MIN_CAPACITY);
  /** When the entry was pushed, relative to the others. */
  order: Float64Array = new Float64Array(MIN_CAPACITY);
  /** Where the entry is: four times its position in its list, plus the tag of that list. */
  location: Int32Array = new Int32Array(MIN_CAPACITY);
  entries: (T | undefined)[] = [];
  /** The priorities when the entries were pushed; `undefined` while all of them are zero. */
  #priorities: Float64Array | undefined;

  /** Indices that were freed, side by side: a free list linked through `location` would be scattered over memory. */
  #free = new Int32Array(MIN_CAPACITY);
  #freeCount = 0;
  /** Indices from here on were never allocated. */
  #fresh = 0;

  /** Puts an entry into the table and returns its index. */
  allocate(entry: T, due: number, order: number, priority: number = entry.priority): number {
    let index: number;
    if (this.#freeCount > 0) {
      this.#freeCount -= 1;
      index = this.#free[this.#freeCount] as number;
    } else {
      index = this.#fresh;
      if (index === this.due.length) {
        this.#resize(2 * index);
      }
      this.#fresh += 1;
    }
    if (priority !== 0 || this.#priorities !== undefined) {
      this.#notePriority(index, priority);
    }
    // Turns -0 into 0: the radix sort compares bits.
    this.due[index] = due + 0;
    this.order[index] = order;
    this.entries[index] = entry;
    entry[tableIndex] = index;
    this.size += 1;
    return index;
  }

  /** Changes when an entry is due, and its order. Its priority is read anew. */
  update(index: number, due: number, order: number, priority: number): void {
    if (priority !== 0 || this.#priorities !== undefined) {
      this.#notePriority(index, priority);
    }
    this.due[index] = due + 0;
    this.order[index] = order;
  }

  /**
   * Frees the index of an entry that is due at `due`. The caller has the time at hand; a read of it here may miss the
   * cache.
   */
  free(index: number, due: number): T {
    const entry = this.entries[index] as T;
    entry[onDequeued](due);
    this.entries[index] = undefined;
    this.size -= 1;
    if (this.size > 0) {
      this.#noteFree(index);
      return entry;
    }
    // The next entries get adjacent indices again, and the memory of the largest number of entries is not kept.
    this.#freeCount = 0;
    this.#fresh = 0;
    this.#priorities = undefined;
    if (this.due.length > KEPT_CAPACITY) {
      this.entries = [];
      this.#resize(MIN_CAPACITY);
      this.#free = new Int32Array(MIN_CAPACITY);
    }
    return entry;
  }

  /**
   * Puts the counts and the free list right after a change that was interrupted. Returns the indices of all entries. An
   * entry that knows its index is in the table.
   */
  restore(): Int32Array {
    const { entries } = this;
    const free = new Int32Array(Math.max(MIN_CAPACITY, entries.length));
    const indices = new Int32Array(entries.length);
    let [freeCount, size] = [0, 0];
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry !== undefined && entry[tableIndex] === index) {
        indices[size] = index;
        size += 1;
      } else {
        entries[index] = undefined;
        free[freeCount] = index;
        freeCount += 1;
      }
    }
    this.#free = free;
    this.#freeCount = freeCount;
    this.#fresh = entries.length;
    this.size = size;
    return indices.subarray(0, size);
  }

  /** Compares two entries that are due at the same time: negative if `a` comes first. */
  compareAtSameTime(a: number, b: number): number {
    const priorities = this.#priorities;
    const byPriority = priorities === undefined ? 0 : (priorities[a] as number) - (priorities[b] as number);
    return byPriority || (this.order[a] as number) - (this.order[b] as number);
  }

  #notePriority(index: number, priority: number): void {
    this.#priorities ??= new Float64Array(this.due.length);
    this.#priorities[index] = priority;
  }

  #noteFree(index: number): void {
    if (this.#freeCount === this.#free.length) {
      const free = this.#free;
      this.#free = new Int32Array(2 * this.#freeCount);
      this.#free.set(free);
    }
    this.#free[this.#freeCount] = index;
    this.#freeCount += 1;
  }

  #resize(capacity: number): void {
    const { due, order, location } = this;
    const kept = Math.min(capacity, due.length);
    this.due = new Float64Array(capacity);
    this.order = new Float64Array(capacity);
    this.location = new Int32Array(capacity);
    this.due.set(due.subarray(0, kept));
    this.order.set(order.subarray(0, kept));
    this.location.set(location.subarray(0, kept));
    if (this.#priorities !== undefined) {
      const priorities = this.#priorities;
      this.#priorities = new Float64Array(capacity);
      this.#priorities.set(priorities.subarray(0, kept));
    }
  }
}
