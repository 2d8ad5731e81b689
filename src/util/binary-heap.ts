/**
 * A binary heap whose members know their index, so that any of them is removed in O(log n). As in
 * ScheduledThreadPoolExecutor, a cancelled member leaves immediately instead of staying until its time.
 */

/** What a heap requires of its members. */
export interface BinaryHeapMember {
  /** The index in the heap; -1 outside of it. Only the heap writes it. */
  heapIndex: number;
}

/**
 * A heap ordered by `before`, which returns true if its first argument comes first, and is never true both ways.
 *
 * Members change places by swaps, and each swap is made without a call in between. Where `before` cannot be called, for
 * want of stack, every member is in the heap once, and knows its index. The order is put right by the next change.
 */
export class BinaryHeap<T extends BinaryHeapMember> {
  readonly #members: T[] = [];
  readonly #before: (a: T, b: T) => boolean;
  /** Whether no change was interrupted. */
  #isOrdered = true;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  /** Returns the first member. */
  peek(): T | undefined {
    if (!this.#isOrdered) {
      this.#putInOrder();
    }
    return this.#members[0];
  }

  push(member: T): void {
    const members = this.#members;
    const isOrdered = this.#isOrdered;
    this.#isOrdered = false;
    member.heapIndex = members.length;
    members[members.length] = member;
    this.#up(member.heapIndex);
    this.#isOrdered = isOrdered;
  }

  /** Removes and returns the first member. */
  pop(): T | undefined {
    const first = this.peek();
    if (first !== undefined) {
      this.remove(first);
    }
    return first;
  }

  /** Removes a member; false if it was not in this heap. */
  remove(member: T): boolean {
    const index = member.heapIndex;
    if (index < 0 || this.#members[index] !== member) {
      return false;
    }
    const members = this.#members;
    const last = members[members.length - 1] as T;
    const isOrdered = this.#isOrdered;
    this.#isOrdered = false;
    members.length -= 1;
    member.heapIndex = -1;
    if (last !== member) {
      members[index] = last;
      last.heapIndex = index;
      this.#up(index);
      this.#down(last.heapIndex);
    }
    this.#isOrdered = isOrdered;
    return true;
  }

  #putInOrder(): void {
    for (let index = (this.#members.length >> 1) - 1; index >= 0; index -= 1) {
      this.#down(index);
    }
    this.#isOrdered = true;
  }

  #up(start: number): void {
    const members = this.#members;
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const member = members[index] as T;
      const parent = members[parentIndex] as T;
      if (!this.#before(member, parent)) {
        break;
      }
      members[index] = parent;
      parent.heapIndex = index;
      members[parentIndex] = member;
      member.heapIndex = parentIndex;
      index = parentIndex;
    }
  }

  #down(start: number): void {
    const members = this.#members;
    const { length } = members;
    let index = start;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= length) {
        break;
      }
      if (childIndex + 1 < length && this.#before(members[childIndex + 1] as T, members[childIndex] as T)) {
        childIndex += 1;
      }
      const member = members[index] as T;
      const child = members[childIndex] as T;
      if (!this.#before(child, member)) {
        break;
      }
      members[index] = child;
      child.heapIndex = index;
      members[childIndex] = member;
      member.heapIndex = childIndex;
      index = childIndex;
    }
  }
}
