/** The heap of the task manager, against a sorted array. */

import { describe, expect, test } from '@jest/globals';

import { BinaryHeap } from '../support/internals';
import { makeRandom } from '../support/random';

interface Member {
  heapIndex: number;
  key: number;
  order: number;
}

let made = 0;

function makeMember(key: number): Member {
  made += 1;
  return { heapIndex: -1, key, order: made };
}

function compare(a: Member, b: Member): number {
  return a.key === b.key ? a.order - b.order : a.key - b.key;
}

function makeHeapOf(members: readonly Member[]): BinaryHeap<Member> {
  const heap = new BinaryHeap<Member>((a, b) => compare(a, b) < 0);
  members.forEach((member) => heap.push(member));
  return heap;
}

function makeHeap(keys: readonly number[] = []): BinaryHeap<Member> {
  return makeHeapOf(keys.map(makeMember));
}

function drain(heap: BinaryHeap<Member>): Member[] {
  const members: Member[] = [];
  for (let member = heap.pop(); member !== undefined; member = heap.pop()) {
    members.push(member);
  }
  return members;
}

function agree(isRight: boolean, step: number): void {
  if (!isRight) {
    throw new Error(`Wrong at step ${step}`);
  }
}

describe('a heap', () => {
  test('is empty to begin with', () => {
    const heap = makeHeap();
    expect([heap.peek(), heap.pop(), drain(heap)]).toEqual([undefined, undefined, []]);
  });

  test('gives its members in order', () => {
    const heap = makeHeap([5, 3, 8, 1, 9, 2, 7]);
    expect(heap.peek()?.key).toBe(1);
    expect(drain(heap).map(({ key }) => key)).toEqual([1, 2, 3, 5, 7, 8, 9]);
  });

  test('gives equals in the order they came', () => {
    const heap = makeHeap(Array<number>(100).fill(1));
    const orders = drain(heap).map(({ order }) => order);
    expect(orders).toEqual(orders.toSorted((a, b) => a - b));
  });

  test('takes infinities', () => {
    const heap = makeHeap([Infinity, 0, -Infinity, Infinity, 1]);
    expect(drain(heap).map(({ key }) => key)).toEqual([-Infinity, 0, 1, Infinity, Infinity]);
  });

  test('remove() and heapIndex tell members from strangers', () => {
    const heap = makeHeap([1, 2]);
    const [stranger, member] = [makeMember(0), makeMember(3)];
    heap.push(member);
    expect([member.heapIndex >= 0, stranger.heapIndex]).toEqual([true, -1]);
    expect(heap.remove(stranger)).toBe(false);
    expect([heap.remove(member), heap.remove(member), member.heapIndex]).toEqual([true, false, -1]);
    expect(drain(heap)).toHaveLength(2);
  });

  test('does not remove a member of another heap', () => {
    const [first, second] = [makeHeap([1, 2, 3]), makeHeap([4, 5, 6])];
    const foreign = second.peek() as Member;
    expect(first.remove(foreign)).toBe(false);
    expect([drain(first).length, drain(second).length]).toEqual([3, 3]);
  });

  test('puts a member whose order has changed where it belongs when it is pushed again', () => {
    const members = [10, 20, 30, 40, 50].map(makeMember);
    const heap = makeHeapOf(members);
    for (const member of members) {
      heap.remove(member);
      member.key = -member.key;
      heap.push(member);
    }
    expect(drain(heap).map(({ key }) => key)).toEqual([-50, -40, -30, -20, -10]);
  });

  test('keeps the order of the others when any one is removed', () => {
    const keys = [5, 3, 8, 1, 9, 2, 7];
    for (const removed of keys.keys()) {
      const members = keys.map(makeMember);
      const heap = makeHeapOf(members);
      heap.remove(members[removed] as Member);
      const others = keys.filter((_, index) => index !== removed);
      expect(drain(heap).map(({ key }) => key)).toEqual(others.toSorted((a, b) => a - b));
    }
  });

  test.each([1, 2, 3, 4, 5])('is right after each of 20 000 random operations (seed %p)', (seed) => {
    const random = makeRandom(seed);
    const heap = makeHeap();
    const sorted: Member[] = [];
    const insert = (member: Member): void => {
      let [low, high] = [0, sorted.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compare(sorted[middle] as Member, member) < 0) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      sorted.splice(low, 0, member);
    };
    const pick = (): Member => sorted[Math.floor(random() * sorted.length)] as Member;
    for (let step = 0; step < 20_000; step += 1) {
      const dice = random();
      if (sorted.length === 0 || dice < 0.4) {
        // Few different keys, so that there are many equals.
        const member = makeMember(Math.floor(random() * 50));
        heap.push(member);
        insert(member);
      } else if (dice < 0.6) {
        agree(heap.pop() === sorted.shift(), step);
      } else if (dice < 0.8) {
        const member = pick();
        agree(heap.remove(member), step);
        sorted.splice(sorted.indexOf(member), 1);
      } else {
        const member = pick();
        sorted.splice(sorted.indexOf(member), 1);
        agree(heap.remove(member), step);
        member.key = Math.floor(random() * 50);
        heap.push(member);
        insert(member);
      }
      agree(heap.peek() === sorted[0], step);
    }
    // Each member knows its own index, and there are no more members than there should be.
    const indices = sorted.map(({ heapIndex }) => heapIndex).toSorted((a, b) => a - b);
    expect(indices).toEqual(indices.map((_, index) => index));
    expect(drain(heap)).toEqual(sorted);
  });

  test.each([1, 2, 3, 4, 5, 6, 7])('has all its members when a comparison fails: the one numbered %i', (failing) => {
    const keys = [9, 7, 8, 5, 6, 3, 4, 1, 2];
    for (const change of ['push', 'remove', 'pop']) {
      let left = Infinity;
      const heap = new BinaryHeap<Member>((a, b) => {
        left -= 1;
        if (left === 0) {
          throw new RangeError('no stack');
        }
        return compare(a, b) < 0;
      });
      const members = keys.map(makeMember);
      members.forEach((member) => heap.push(member));
      const added = makeMember(0);
      left = failing;
      let removed: Member | undefined;
      try {
        if (change === 'push') {
          heap.push(added);
        } else if (change === 'remove') {
          [removed] = members;
          heap.remove(members[0] as Member);
        } else {
          removed = heap.peek();
          heap.pop();
        }
      } catch {
        // The comparison that fails.
      }
      left = Infinity;
      const expected = [...(change === 'push' ? [added] : []), ...members].filter((member) => member !== removed);
      expect(heap.remove(makeMember(1))).toBe(false);
      expect(drain(heap)).toEqual(expected.toSorted(compare));
    }
  });
});
