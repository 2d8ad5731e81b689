/**
 * The form in which plain values travel: made to be written straight into a ring and read straight out of it, once each way.
 *
 * A value is a tag and what belongs to it. Of an object only the first one with its keys in their order carries them; they are a
 * shape from then on, and the objects that follow carry its number and their values. Both sides number the shapes as they
 * come; a ring loses nothing and keeps the order, so the numbers agree.
 *
 * ```text
 *  NULL UNDEFINED FALSE TRUE               the tag alone
 *  SMALL + n                               an integer from 0 to 191
 *  INTEGER i32      NUMBER f64
 *  SHORT u8         and as many bytes of Latin-1
 *  LATIN1 u32  UTF8 u32  UTF16 u32         and as many bytes; UTF-16 carries a lone surrogate, UTF-8 does not
 *  ARRAY u8         and as many values
 *  OBJECT u16       the number of the shape, then its values
 *  NEW_OBJECT u16   the number of keys, the values, then the keys as strings
 *  RESET            before a value: there are no shapes any more
 * ```
 *
 * msgpackr 2 with shared structures was measured beside it: 315 ns there and back for `{ task: 'x', t: 1.5, id: 7 }`, to which the
 * look at what it would not carry unharmed (-0, lone surrogates, shared references, `__proto__`) and two copies are
 * added; this takes 170 ns with everything.
 */

export const TAG_NULL = 0;
export const TAG_UNDEFINED = 1;
export const TAG_FALSE = 2;
export const TAG_TRUE = 3;
export const TAG_INTEGER = 4;
export const TAG_NUMBER = 5;
export const TAG_SHORT = 6;
export const TAG_LATIN1 = 7;
export const TAG_UTF8 = 8;
export const TAG_UTF16 = 9;
export const TAG_ARRAY = 10;
export const TAG_OBJECT = 11;
export const TAG_NEW_OBJECT = 12;
export const TAG_RESET = 13;
export const TAG_SMALL = 64;

/** Integers that fit into a tag. */
export const SMALL_INTEGERS: number = 256 - TAG_SMALL;

/** The memory that is read from. */
export interface ValueMemory {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** The memory that is written to. */
export interface WritableValueMemory extends ValueMemory {
  /** Where a value that is being written has to end. A getter of it may use the memory for something else: then it is 0. */
  limit: number;
}
