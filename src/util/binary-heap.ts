/**
 * A binary heap whose members know their place, so that one can be taken out or moved in O(log n).
 *
 * The model is ScheduledThreadPoolExecutor's: exact order, equals in the order they came, and a cancelled member
 * is gone at once instead of being kept until its time.
 */

/** What sits in a heap. */
export interface BinaryHeapMember {
  /** The place in the heap; -1 outside of it. Written by the heap alone. */
  heapIndex: number;
}

/** A heap ordered by `before`, which is true when its first argument comes first and is never true both ways. */
export class BinaryHeap<T extends BinaryHeapMember> {
  readonly #members: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#members.length;
  }

  /** All of them, in no order. */
  members(): T[] {
    return [...this.#members];
  }

  /** The first member. */
  peek(): T | undefined {
    return this.#members[0];
  }

  push(member: T): void {
    this.#members.push(member);
    this.#up(member, this.#members.length - 1);
  }

  /** Takes the first member out. */
  pop(): T | undefined {
    const first = this.#members[0];
    if (first !== undefined) {
      this.remove(first);
    }
    return first;
  }

  /** Takes a member out; false when it was not in. */
  remove(member: T): boolean {
    const index = member.heapIndex;
    if (index < 0 || this.#members[index] !== member) {
      return false;
    }
    member.heapIndex = -1;
    const last = this.#members.pop() as T;
    if (last !== member) {
      this.#place(last, index);
    }
    return true;
  }

  /** Puts a member whose order has changed where it belongs now. */
  update(member: T): void {
    this.#place(member, member.heapIndex);
  }

  #place(member: T, index: number): void {
    const parent = this.#members[(index - 1) >> 1];
    if (index > 0 && parent !== undefined && this.#before(member, parent)) {
      this.#up(member, index);
    } else {
      this.#down(member, index);
    }
  }

  #up(member: T, start: number): void {
    const members = this.#members;
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = members[parentIndex] as T;
      if (!this.#before(member, parent)) {
        break;
      }
      members[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    members[index] = member;
    member.heapIndex = index;
  }

  #down(member: T, start: number): void {
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
      const child = members[childIndex] as T;
      if (!this.#before(child, member)) {
        break;
      }
      members[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    members[index] = member;
    member.heapIndex = index;
  }
}
