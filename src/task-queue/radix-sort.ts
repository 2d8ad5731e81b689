/** Sorts many entries by their due times. */

import type { QueueEntry, TaskTable } from './task-table';

/** Due times are sorted byte by byte. Eleven bits a pass need fewer passes, but took a fifth longer. */
const RADIX = 256;

/** Which half of a double has its sign. */
const HIGH = new Uint32Array(new Float64Array([1]).buffer)[1] === 0 ? 0 : 1;

/** The indices of entries, and when they are due. */
export interface Sorted {
  readonly indices: Int32Array;
  readonly due: Float64Array;
}

/**
 * Sorts entries by due time, then priority, then order. The contents of `list` are lost.
 *
 * A radix sort of the bits of the doubles, least significant byte first, without the bytes that are equal in all of
 * them. A million random times take 90 ms; sort() with a comparison took 430 ms.
 */
export function sortByTime<T extends QueueEntry>(table: TaskTable<T>, list: Int32Array): Sorted {
  const count = list.length;
  let from: Sorted = { indices: list, due: new Float64Array(count) };
  let to: Sorted = { indices: new Int32Array(count), due: new Float64Array(count) };
  for (let position = 0; position < count; position += 1) {
    from.due[position] = table.due[list[position] as number] as number;
  }
  const counters = new Uint32Array(RADIX);
  for (let bit = 0; bit < 64; bit += 8) {
    if (countDigits(from.due, bit, counters)) {
      moveByDigit(from, to, bit, counters);
      [from, to] = [to, from];
    }
  }
  sortEquals(table, from);
  return from;
}

/** Counts where each digit begins in the sorted order; false if all entries have the same digit. */
function countDigits(due: Float64Array, bit: number, counters: Uint32Array): boolean {
  counters.fill(0);
  const words = new Int32Array(due.buffer);
  for (let position = 0; position < due.length; position += 1) {
    const digit = digitOf(words, position, bit);
    counters[digit] = (counters[digit] as number) + 1;
  }
  let sum = 0;
  for (let digit = 0; digit < RADIX; digit += 1) {
    const count = counters[digit] as number;
    if (count === due.length) {
      return false;
    }
    counters[digit] = sum;
    sum += count;
  }
  return true;
}

function moveByDigit(from: Sorted, to: Sorted, bit: number, counters: Uint32Array): void {
  const words = new Int32Array(from.due.buffer);
  for (let position = 0; position < from.due.length; position += 1) {
    const digit = digitOf(words, position, bit);
    const target = counters[digit] as number;
    counters[digit] = target + 1;
    to.indices[target] = from.indices[position] as number;
    to.due[target] = from.due[position] as number;
  }
}

/** Returns eight bits of a double, changed so that the digits of all doubles order them as numbers. */
function digitOf(words: Int32Array, position: number, bit: number): number {
  const high = words[2 * position + HIGH] as number;
  const word = bit < 32 ? (words[2 * position + 1 - HIGH] as number) : high;
  // Of two negative numbers the greater one has the lower bits. Negative numbers come before the others.
  const flipped = (high >> 31) | (bit === 56 ? 0x8000_0000 : 0);
  return ((word ^ flipped) >>> (bit & 31)) & (RADIX - 1);
}

/** Sorts entries that are due at the same time by priority, then by order. */
function sortEquals<T extends QueueEntry>(table: TaskTable<T>, { indices, due }: Sorted): void {
  for (let start = 0, end = 1; start < indices.length; start = end, end += 1) {
    let isSorted = true;
    while (end < indices.length && due[end] === due[start]) {
      isSorted &&= table.compareAtSameTime(indices[end - 1] as number, indices[end] as number) < 0;
      end += 1;
    }
    if (!isSorted) {
      indices.subarray(start, end).sort((a, b) => table.compareAtSameTime(a, b));
    }
  }
}
