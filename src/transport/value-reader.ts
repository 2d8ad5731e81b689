/** Reads plain values: see `value-format.ts`. */

import {
  type ValueMemory,
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
  TAG_UTF16,
  TAG_UTF8,
} from './value-format';

/** The size of the cache of short strings, a power of two. Names, units and states are repeated often. */
const CACHED_STRINGS = 256;

/** Strings up to this length are made character by character; for them a call of Node costs more. */
const SHORT_STRING = 12;

/** The keys of objects of one shape. */
interface Shape {
  readonly keys: readonly string[];
  /**
   * Whether the keys must be defined: an assignment to a name that objects inherit, such as `__proto__`, may do other
   * things.
   */
  readonly mustDefine: boolean;
}

/**
 * Reads plain values and numbers their shapes.
 *
 * Reading can fail where the stack ends. The values that follow may have the shapes that a failed one defines, so it is
 * read again, for its shapes, before the next one.
 */
export class ValueReader {
  /**
   * Where the values begin that are to be read: `unreadCount` of them, in their order. The caller adds each by
   * assignments, because a call can fail for want of stack.
   */
  readonly unread: number[] = [];
  unreadCount: number = 0;
  readonly #memory: ValueMemory;
  #bytes: Buffer;
  #view: DataView;
  #shapes: Shape[] = [];
  /** The last short strings, by hash. */
  readonly #strings: string[] = Array.from({ length: CACHED_STRINGS }, () => '');
  #at = 0;

  constructor(memory: ValueMemory) {
    this.#memory = memory;
    this.#bytes = memory.bytes;
    this.#view = memory.view;
  }

  /** Reads the values in `unread`, and returns the last one. What it throws leaves those that were not read there. */
  read(): unknown {
    while (this.unreadCount > 1) {
      this.#readAt(this.unread[0] as number);
      for (let index = 1; index < this.unreadCount; index += 1) {
        this.unread[index - 1] = this.unread[index] as number;
      }
      this.unreadCount -= 1;
    }
    const value = this.#readAt(this.unread[0] as number);
    this.unreadCount = 0;
    return value;
  }

  /** Returns the value that begins at `start`, and learns its shapes: all of them, or none if it throws. */
  #readAt(start: number): unknown {
    const shapes = this.#shapes;
    const { length } = shapes;
    let isRead = false;
    if (this.#bytes !== this.#memory.bytes) {
      // The memory has grown.
      this.#bytes = this.#memory.bytes;
      this.#view = this.#memory.view;
    }
    try {
      this.#at = start;
      if (this.#bytes[start] === TAG_RESET) {
        this.#at += 1;
        this.#shapes = [];
      }
      const value = this.#read();
      isRead = true;
      return value;
    } finally {
      if (!isRead) {
        shapes.length = length;
        this.#shapes = shapes;
      }
    }
  }

  #read(): unknown {
    const at = this.#at;
    const tag = this.#bytes[at] as number;
    this.#at = at + 1;
    if (tag >= TAG_SMALL) {
      return tag - TAG_SMALL;
    }
    switch (tag) {
      case TAG_OBJECT:
        this.#at = at + 3;
        return this.#readRecord(this.#shapes[this.#view.getUint16(at + 1, true)] as Shape);
      case TAG_SHORT:
        return this.#readShortString();
      case TAG_NUMBER:
        this.#at = at + 9;
        return this.#view.getFloat64(at + 1, true);
      case TAG_INTEGER:
        this.#at = at + 5;
        return this.#view.getInt32(at + 1, true);
      case TAG_NULL:
        return null;
      case TAG_FALSE:
        return false;
      case TAG_TRUE:
        return true;
      case TAG_ARRAY:
        return this.#readArray();
      case TAG_NEW_OBJECT:
        return this.#readNewRecord();
      case TAG_LATIN1:
        return this.#readLongString('latin1');
      case TAG_UTF8:
        return this.#readLongString('utf8');
      case TAG_UTF16:
        return this.#readLongString('utf16le');
      default:
        return undefined;
    }
  }

  #readRecord(shape: Shape): object {
    const { keys, mustDefine } = shape;
    const object: Record<string, unknown> = {};
    if (mustDefine) {
      keys.forEach((key) => define(object, key, this.#read()));
      return object;
    }
    // The first keys have places of their own in the code, where V8 remembers the few names that it has seen: 8 ns less
    // for each key. In a loop, all names meet in one place.
    const { length } = keys;
    let index = 0;
    if (length > 0) {
      object[keys[0] as string] = this.#read();
      index = 1;
      if (length > 1) {
        object[keys[1] as string] = this.#read();
        index = 2;
        if (length > 2) {
          object[keys[2] as string] = this.#read();
          index = 3;
        }
      }
    }
    for (; index < length; index += 1) {
      object[keys[index] as string] = this.#read();
    }
    return object;
  }

  #readNewRecord(): object {
    const count = this.#view.getUint16(this.#at, true);
    this.#at += 2;
    const values = Array.from({ length: count }, () => this.#read());
    const keys = Array.from({ length: count }, () => internalize(this.#read() as string));
    this.#shapes.push({ keys, mustDefine: keys.some((key) => key in Object.prototype) });
    const object = {};
    keys.forEach((key, index) => define(object, key, values[index]));
    return object;
  }

  #readArray(): unknown[] {
    const length = this.#bytes[this.#at] as number;
    this.#at += 1;
    const array: unknown[] = [];
    for (let index = 0; index < length; index += 1) {
      array.push(this.#read());
    }
    return array;
  }

  #readShortString(): string {
    const bytes = this.#bytes;
    const length = bytes[this.#at] as number;
    const start = this.#at + 1;
    this.#at = start + length;
    let hash = length;
    for (let index = start; index < start + length; index += 1) {
      hash = (Math.imul(hash, 31) + (bytes[index] as number)) | 0;
    }
    const place = hash & (CACHED_STRINGS - 1);
    const known = this.#strings[place] as string;
    if (known.length === length && this.#isAt(known, start)) {
      return known;
    }
    const string =
      length <= SHORT_STRING ? makeShortString(bytes, start, length) : bytes.toString('latin1', start, start + length);
    this.#strings[place] = string;
    return string;
  }

  #isAt(string: string, start: number): boolean {
    for (let index = 0; index < string.length; index += 1) {
      if (string.charCodeAt(index) !== this.#bytes[start + index]) {
        return false;
      }
    }
    return true;
  }

  #readLongString(encoding: BufferEncoding): string {
    const start = this.#at + 4;
    this.#at = start + this.#view.getUint32(this.#at, true);
    return this.#bytes.toString(encoding, start, this.#at);
  }
}

/** Makes a string of few characters: each step makes a new string. */
function makeShortString(bytes: Buffer, start: number, length: number): string {
  let string = '';
  let index = start;
  for (; index + 4 <= start + length; index += 4) {
    string += String.fromCharCode(
      bytes[index] as number,
      bytes[index + 1] as number,
      bytes[index + 2] as number,
      bytes[index + 3] as number,
    );
  }
  for (; index < start + length; index += 1) {
    string += String.fromCharCode(bytes[index] as number);
  }
  return string;
}

/**
 * Returns a string as V8 keeps it for the name of a property. V8 recognises a name by its address: any other string is
 * looked up each time.
 */
function internalize(name: string): string {
  return Object.keys({ [name]: undefined })[0] as string;
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
}
