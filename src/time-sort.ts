/** Sorts many slots by their times. */

import type { Slots } from './slots';

/** The 64 bits of a time, in pieces: 2048 counters of one fit into the first cache. */
const DIGITS = [
  { word: 0, shift: 0 },
  { word: 0, shift: 11 },
  { word: 0, shift: 22 },
  { word: 1, shift: 0 },
  { word: 1, shift: 11 },
  { word: 1, shift: 22 },
] as const;

const RADIX = 2048;

/** Which half of a double has the sign. */
const HIGH = new Uint32Array(new Float64Array([1]).buffer)[1] === 0 ? 0 : 1;

/**
 * Sorts `list`, which has the slots to be sorted, in the order of the tasks.
 *
 * A radix sort of the bits of the doubles, least significant digit first, without digits that are the same in all. A million
 * random times take 100 ms; sort() with a comparison took 900.
 */
export function sortByTime(slots: Slots, list: Int32Array): Int32Array {
  const count = list.length;
  let members = list;
  let low: Uint32Array = new Uint32Array(count);
  let high: Uint32Array = new Uint32Array(count);
  let otherMembers: Int32Array = new Int32Array(count);
  let otherLow: Uint32Array = new Uint32Array(count);
  let otherHigh: Uint32Array = new Uint32Array(count);
  readBits(slots, members, low, high);
  const counters = new Uint32Array(RADIX);
  for (const { word, shift } of DIGITS) {
    const digits = word === 0 ? low : high;
    if (countDigits(digits, shift, counters)) {
      for (let index = 0; index < count; index += 1) {
        const digit = ((digits[index] as number) >>> shift) & (RADIX - 1);
        const to = counters[digit] as number;
        counters[digit] = to + 1;
        otherMembers[to] = members[index] as number;
        otherLow[to] = low[index] as number;
        otherHigh[to] = high[index] as number;
      }
      [members, otherMembers] = [otherMembers, members];
      [low, otherLow] = [otherLow, low];
      [high, otherHigh] = [otherHigh, high];
    }
  }
  sortEquals(slots, members, low, high);
  return members;
}

/** The bits of the times, so that they compare as unsigned integers do. */
function readBits(slots: Slots, members: Int32Array, low: Uint32Array, high: Uint32Array): void {
  const words = new Uint32Array(slots.due.buffer);
  for (let index = 0; index < members.length; index += 1) {
    const at = 2 * (members[index] as number);
    const sign = words[at + HIGH] as number;
    const rest = words[at + 1 - HIGH] as number;
    // Of negative numbers the greater one has the lower bits.
    high[index] = sign >>> 31 === 1 ? ~sign : sign ^ 0x8000_0000;
    low[index] = sign >>> 31 === 1 ? ~rest : rest;
  }
}

/** Counts where each digit begins in the sorted order; false when all have the same one. */
function countDigits(words: Uint32Array, shift: number, counters: Uint32Array): boolean {
  counters.fill(0);
  for (let index = 0; index < words.length; index += 1) {
    const digit = ((words[index] as number) >>> shift) & (RADIX - 1);
    counters[digit] = (counters[digit] as number) + 1;
  }
  if (counters[((words[0] as number) >>> shift) & (RADIX - 1)] === words.length) {
    return false;
  }
  let sum = 0;
  for (let digit = 0; digit < RADIX; digit += 1) {
    const count = counters[digit] as number;
    counters[digit] = sum;
    sum += count;
  }
  return true;
}

/** Those with the same time go by priority, and by who was installed first. */
function sortEquals(slots: Slots, members: Int32Array, low: Uint32Array, high: Uint32Array): void {
  for (let start = 0, end = 1; start < members.length; start = end, end += 1) {
    let isSorted = true;
    while (end < members.length && low[end] === low[start] && high[end] === high[start]) {
      isSorted &&= slots.compareAtSameTime(members[end - 1] as number, members[end] as number) < 0;
      end += 1;
    }
    if (!isSorted) {
      members.subarray(start, end).sort((a, b) => slots.compareAtSameTime(a, b));
    }
  }
}
