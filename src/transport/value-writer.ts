/** Writes plain values: see `value-format.ts`. */

import { types } from 'node:util';

import {
  SMALL_INTEGERS,
  TAG_ARRAY,
  TAG_FALSE,
  TAG_INTEGER,
  TAG_LATIN1,
  TAG_NEW_OBJECT,
  TAG_NULL,
  TAG_NUMBER,
  TAG_OBJECT,
  TAG_RESET,
  TAG_SHORT,
  TAG_SMALL,
  TAG_TRUE,
  TAG_UNDEFINED,
  TAG_UTF16,
  TAG_UTF8,
  type WritableValueMemory,
} from './value-format';

/** The maximum nesting of objects, number of objects, and entries of one. Values beyond use structured clone. */
const MAX_DEPTH = 8;
const MAX_OBJECTS = 64;
const MAX_ENTRIES = 255;

/** Strings up to this length are written character by character; a call of Node costs as much as 30 characters. */
const SHORT_STRING = 32;

/** The maximum size of a value, apart from the contents of strings, arrays and objects. */
const FIXED_BYTES = 16;

/**
 * The maximum number of keys in all shapes. With more, the objects are maps rather than records: the shapes are reset.
 */
const MAX_KEYS = 4096;

const NOT_PLAIN = -1;

const { isProxy } = types;

const CONSTANTS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  [null, TAG_NULL],
  [undefined, TAG_UNDEFINED],
  [false, TAG_FALSE],
  [true, TAG_TRUE],
]);

/** A node in the tree of shapes: one key, after the keys of its parents. */
class ShapeNode {
  readonly key: string;
  readonly parent: ShapeNode | undefined;
  /** Whether an object whose last key this is may be another thing than it seems. */
  readonly mayBeExotic: boolean;
  /** The number of the shape that ends here; -1 if there is none. */
  shape: number = -1;
  /** The key that followed the last time, and its node. */
  nextKey: string | undefined;
  next: ShapeNode | undefined;
  #others: Map<string, ShapeNode> | undefined;

  constructor(key: string, parent: ShapeNode | undefined) {
    this.key = key;
    this.parent = parent;
    this.mayBeExotic = mayBeExotic(key, parent);
  }

  /** Makes `next` the node of a key that is not `nextKey`. Returns whether that node is new. */
  moveTo(key: string): boolean {
    this.#others ??= new Map();
    let node = this.#others.get(key);
    const isNew = node === undefined;
    if (node === undefined) {
      node = new ShapeNode(key, this);
      this.#others.set(key, node);
    }
    this.nextKey = key;
    this.next = node;
    return isNew;
  }
}

/** Returns the keys from the first one to that of `last`. */
function keysTo(last: ShapeNode): string[] {
  const keys: string[] = [];
  for (let node = last; node.parent !== undefined; node = node.parent) {
    keys.push(node.key);
  }
  return keys.toReversed();
}

/**
 * Writes plain values and numbers their shapes.
 *
 * An error can be thrown anywhere in here: by a getter of the value, and by any call where the stack ends. What a
 * failed value has changed is therefore noted before the change, and taken back when the next value is written.
 */
export class ValueWriter {
  /**
   * Set by the caller when the reader will read the last value. Otherwise the next value takes the shapes of the last
   * one back.
   */
  isSent: boolean = false;
  readonly #memory: WritableValueMemory;
  #bytes: Buffer;
  #view: DataView;
  #root = new ShapeNode('', undefined);
  #keys = 0;
  #shapes = 0;
  /** The number of shapes that the reader knows, or will know. */
  #sentShapes = 0;
  /** Whether the reader has not been told yet that all shapes are forgotten. */
  #owesReset = false;
  /** The new shapes of the value that is being written. */
  readonly #fresh: ShapeNode[] = [];
  /** The objects of that value so far. */
  readonly #seen: (object | undefined)[] = [];
  #seenCount = 0;
  #isWriting = false;

  constructor(memory: WritableValueMemory) {
    this.#memory = memory;
    this.#bytes = memory.bytes;
    this.#view = memory.view;
  }

  /**
   * Writes a value between `start` and `limit`, and returns where it ends. If the caller sends it, it must set
   * {@link ValueWriter.isSent} afterwards. If the value is not plain or there is no room, returns a negative number.
   *
   * Plain values are null, undefined, booleans, numbers, strings, and ordinary objects and dense arrays of plain values
   * in which no object appears twice. They arrive as structured clone would deliver them.
   */
  write(value: unknown, start: number, limit: number): number {
    // A getter of the value may call this function again.
    if (this.#isWriting || hasInheritedKeys()) {
      return NOT_PLAIN;
    }
    if (this.#fresh.length > 0 || this.#owesReset) {
      this.#settle();
    }
    this.isSent = false;
    if (this.#bytes !== this.#memory.bytes) {
      // The memory has grown.
      this.#bytes = this.#memory.bytes;
      this.#view = this.#memory.view;
    }
    this.#isWriting = true;
    let end = NOT_PLAIN;
    try {
      this.#memory.limit = limit;
      if (this.#keys > MAX_KEYS) {
        this.#reset();
      }
      end = this.#write(value, this.#owesReset ? start + 1 : start, 0);
      if (this.#owesReset && end >= 0) {
        this.#bytes[start] = TAG_RESET;
      }
    } finally {
      // No calls: one more may be too many for the stack.
      this.#isWriting = false;
      for (; this.#seenCount > 0; this.#seenCount -= 1) {
        this.#seen[this.#seenCount - 1] = undefined;
      }
    }
    return end;
  }

  /** Keeps what the last value has changed if the reader will read it, and takes it back otherwise. */
  #settle(): void {
    const fresh = this.#fresh;
    if (this.isSent) {
      this.#sentShapes = this.#shapes;
      this.#owesReset = false;
    } else {
      for (let index = 0; index < fresh.length; index += 1) {
        (fresh[index] as ShapeNode).shape = -1;
      }
      this.#shapes = this.#sentShapes;
    }
    fresh.length = 0;
  }

  #reset(): void {
    this.#root = new ShapeNode('', undefined);
    this.#keys = 0;
    this.#shapes = 0;
    this.#sentShapes = 0;
    this.#owesReset = true;
  }

  #write(value: unknown, at: number, depth: number): number {
    if (at + FIXED_BYTES > this.#memory.limit) {
      return NOT_PLAIN;
    }
    if (typeof value === 'number') {
      return this.#writeNumber(value, at);
    }
    if (typeof value === 'string') {
      return this.#writeString(value, at);
    }
    if (typeof value === 'object' && value !== null) {
      return this.#writeObject(value, at, depth);
    }
    const tag = CONSTANTS.get(value);
    if (tag === undefined) {
      return NOT_PLAIN;
    }
    this.#bytes[at] = tag;
    return at + 1;
  }

  #writeNumber(value: number, at: number): number {
    // An integer, and not -0.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value < SMALL_INTEGERS) {
        this.#bytes[at] = TAG_SMALL + value;
        return at + 1;
      }
      this.#bytes[at] = TAG_INTEGER;
      this.#view.setInt32(at + 1, value, true);
      return at + 5;
    }
    this.#bytes[at] = TAG_NUMBER;
    this.#view.setFloat64(at + 1, value, true);
    return at + 9;
  }

  #writeString(value: string, at: number): number {
    const { length } = value;
    if (length > SHORT_STRING) {
      return this.#writeLongString(value, at);
    }
    if (at + 2 + length > this.#memory.limit) {
      return NOT_PLAIN;
    }
    const bytes = this.#bytes;
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0xff) {
        return this.#writeLongString(value, at);
      }
      bytes[at + 2 + index] = code;
    }
    bytes[at] = TAG_SHORT;
    bytes[at + 1] = length;
    return at + 2 + length;
  }

  #writeLongString(value: string, at: number): number {
    const start = at + 5;
    const room = this.#memory.limit - start;
    const isWellFormed = value.isWellFormed();
    // UTF-8 takes at most three bytes a character.
    if (value.length * (isWellFormed ? 3 : 2) > room && (!isWellFormed || Buffer.byteLength(value) > room)) {
      return NOT_PLAIN;
    }
    const size = this.#bytes.write(value, start, room, isWellFormed ? 'utf8' : 'utf16le');
    // With as many bytes as characters the string is ASCII, which is read faster as Latin-1.
    this.#bytes[at] = isWellFormed ? (size === value.length ? TAG_LATIN1 : TAG_UTF8) : TAG_UTF16;
    this.#view.setUint32(at + 1, size, true);
    return start + size;
  }

  #writeObject(object: object, at: number, depth: number): number {
    const count = this.#seenCount;
    // Structured clone refuses a proxy, also one of a plain object.
    if (depth > MAX_DEPTH || count >= MAX_OBJECTS || isProxy(object)) {
      return NOT_PLAIN;
    }
    const seen = this.#seen;
    for (let index = 0; index < count; index += 1) {
      if (seen[index] === object) {
        return NOT_PLAIN;
      }
    }
    // V8 learns the shape of the object by reading this, and then knows its prototype without a call: 10 ns less. An
    // object without it has no prototype, or is a rare one.
    if (object.constructor === undefined) {
      return NOT_PLAIN;
    }
    const prototype: unknown = Object.getPrototypeOf(object);
    seen[count] = object;
    this.#seenCount = count + 1;
    if (Array.isArray(object)) {
      return prototype === Array.prototype ? this.#writeArray(object, at, depth) : NOT_PLAIN;
    }
    return prototype === Object.prototype ? this.#writeRecord(object as Record<string, unknown>, at, depth) : NOT_PLAIN;
  }

  #writeRecord(object: Record<string, unknown>, at: number, depth: number): number {
    const shapesBefore = this.#shapes;
    let node = this.#root;
    let position = at + 3;
    // Enumerable names in their order, as in structured clone. No name is inherited: see `write()`. A getter runs here,
    // and again if the object turns out not to be plain and structured clone reads it.
    for (const key in object) {
      if (node.nextKey !== key && node.moveTo(key)) {
        this.#keys += 1;
      }
      node = node.next as ShapeNode;
      position = this.#write(object[key], position, depth + 1);
      if (position < 0) {
        return NOT_PLAIN;
      }
    }
    if (position > this.#memory.limit || (node.mayBeExotic && !isOrdinary(object))) {
      return NOT_PLAIN;
    }
    // A shape that is new within the values of this object is not known to the reader where this object begins.
    if (node.shape < 0 || node.shape >= shapesBefore) {
      return this.#writeShape(node, at, position);
    }
    this.#bytes[at] = TAG_OBJECT;
    this.#view.setUint16(at + 1, node.shape, true);
    return position;
  }

  /** Writes the keys of an object with a new shape after its values. */
  #writeShape(node: ShapeNode, at: number, end: number): number {
    const keys = keysTo(node);
    if (keys.length > MAX_ENTRIES) {
      return NOT_PLAIN;
    }
    let position = end;
    for (const key of keys) {
      position = position + FIXED_BYTES > this.#memory.limit ? NOT_PLAIN : this.#writeString(key, position);
      if (position < 0) {
        return NOT_PLAIN;
      }
    }
    this.#fresh.push(node);
    node.shape = this.#shapes;
    this.#shapes += 1;
    this.#bytes[at] = TAG_NEW_OBJECT;
    this.#view.setUint16(at + 1, keys.length, true);
    return position;
  }

  #writeArray(array: unknown[], at: number, depth: number): number {
    const { length } = array;
    if (length > MAX_ENTRIES) {
      return NOT_PLAIN;
    }
    // Indices come before other names. If the last name is the last index and there are as many names as elements,
    // there are no other names and no holes.
    const names = Object.keys(array);
    if (names.length !== length || (length > 0 && names[length - 1] !== String(length - 1))) {
      return NOT_PLAIN;
    }
    if (at + FIXED_BYTES > this.#memory.limit) {
      return NOT_PLAIN;
    }
    this.#bytes[at] = TAG_ARRAY;
    this.#bytes[at + 1] = length;
    let position = at + 2;
    for (let index = 0; index < length; index += 1) {
      position = this.#write(array[index], position, depth + 1);
      if (position < 0) {
        return NOT_PLAIN;
      }
    }
    return position;
  }
}

/**
 * Tells by the last key of an object whether it may be another thing than it seems: an `arguments` object has indices,
 * which come before other names, and an error or a boxed value has no key, whatever its prototype is.
 */
function mayBeExotic(key: string, parent: ShapeNode | undefined): boolean {
  const code = key.charCodeAt(0);
  return parent === undefined || (code >= 0x30 && code <= 0x39);
}

function isOrdinary(object: object): boolean {
  return Object.prototype.toString.call(object) === '[object Object]';
}

/** Tells whether `Object.prototype` has an enumerable name, which `for … in` would find in all objects. */
function hasInheritedKeys(): boolean {
  for (const key in Object.prototype) {
    return key !== undefined;
  }
  return false;
}
