/**
 * A binary heap whose members know their index, so that any of them is removed in O(log n). As in
 * ScheduledThreadPoolExecutor, a cancelled member leaves immediately instead of staying until its time.
 */

/** What a heap requires of its members. */
export interface BinaryHeapMember {
  /** The index in the heap; -1 outside of it. Only the heap writes it. */
  heapIndex: number;
}

/** A heap ordered by `before`, which returns true if its first argument comes first, and is never true both ways. */
export class BinaryHeap<T extends BinaryHeapMember> {
  readonly #members: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  /** Returns the first member. */
  peek(): T | undefined {
    return this.#members[0];
  }

  push(member: T): void {
    this.#members.push(member);
    this.#up(member, this.#members.length - 1);
  }

  /** Removes and returns the first member. */
  pop(): T | undefined {
    const first = this.#members[0];
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
    member.heapIndex = -1;
    const last = this.#members.pop() as T;
    if (last !== member) {
      this.#place(last, index);
    }
    return true;
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
