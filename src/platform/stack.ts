/**
 * A look at the stack before a change that must not be interrupted in the middle.
 *
 * Any call can throw a RangeError for want of stack, and the program may catch it. What changes several things, and
 * calls functions in between, makes sure first that there is enough stack for all of it.
 */

import { fast } from './binding';

/**
 * How many words of the stack are asked for: 64 KiB. V8 compiles a function when it is called first, and wants 40 KiB
 * for that.
 */
const WORDS = 8192;

/** The words, made at the first look: loading the package does without. */
let words: number[] | undefined;

const doNothing = (): void => {};

/** The lowest position at which there was enough. There is at every higher one, too. */
let lowest = Infinity;

/**
 * Throws a RangeError when less than 64 KiB of the stack are left. The words are passed as arguments only where the
 * stack has never been so deep: a native call, which costs 40 ns, tells that.
 */
export function reserveStack(): void {
  const position = fast.stackPosition();
  if (position < lowest) {
    words ??= Array.from<number>({ length: WORDS }).fill(0);
    Reflect.apply(doNothing, undefined, words);
    lowest = position;
  }
}
