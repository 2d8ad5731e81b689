/**
 * Which payloads V8's serializer clones as Node's `structuredClone()` and `postMessage()` do.
 *
 * Node marks some of its objects: a Blob, for example, has a clone method of its own, and a URL must not be cloned.
 * From Node 22 on the mark is not visible to JavaScript, and V8's serializer, which does not know it, writes a plain
 * object instead. So the serializer only gets payloads that consist of values of the language. All others go through
 * the channel, which is Node's own `postMessage()`: it delivers them, or throws its error.
 */

import { types } from 'node:util';

/** The classes of the language whose instances structured clone carries. */
const CLASSES: readonly string[] = [
  'Object',
  'Array',
  'Boolean',
  'Number',
  'String',
  'BigInt',
  'Date',
  'RegExp',
  'Map',
  'Set',
  'ArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Float16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Buffer',
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
  'SuppressedError',
];

const PROTOTYPES: ReadonlySet<unknown> = new Set<unknown>(
  CLASSES.map((name) => (globalThis as Record<string, unknown>)[name])
    .filter((value) => typeof value === 'function')
    .map(({ prototype }): unknown => prototype)
    .concat(null),
);

/** The prototypes of what `structuredClone()` makes, once they were asked for. */
let ofClones: ReadonlySet<unknown> | undefined;

/**
 * Tells whether objects with this prototype are values of the language. In a `node:vm` context, such as a test of jest,
 * clones and payloads of other threads may be objects of the realm outside of it.
 */
function isOfLanguage(prototype: unknown): boolean {
  if (PROTOTYPES.has(prototype)) {
    return true;
  }
  ofClones ??= new Set(makeSamples().map((sample): unknown => Object.getPrototypeOf(structuredClone(sample))));
  return ofClones.has(prototype);
}

function makeSamples(): unknown[] {
  const buffer = new ArrayBuffer(8);
  const views = [
    DataView,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map((View) => new (View as new (memory: ArrayBuffer) => object)(buffer));
  const errors = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
    (ErrorClass) => new ErrorClass(),
  );
  const boxed = [false, 0, '', 0n].map((value) => Object(value) as object);
  return [{}, [], new Map(), new Set(), new Date(0), /x/, buffer, ...views, ...errors, ...boxed];
}

/**
 * Tells whether a payload, with everything in it, consists of values of the language. An instance of a class of the
 * user's is none: its constructor may have marked it. Getters of the payload run here, and again when it is written.
 */
export function isClonedByV8(payload: unknown): boolean {
  const seen = new Set<unknown>();
  // Without recursion, so that a deep payload needs no stack here.
  const rest: unknown[] = [payload];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'object' && value !== null) {
      if (!seen.has(value)) {
        seen.add(value);
        if (types.isProxy(value) || !isOfLanguage(Object.getPrototypeOf(value))) {
          return false;
        }
        if (ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer)) {
          // V8's serializer refuses it, and Bun's would copy the memory.
          return false;
        }
        addContents(value, rest);
      }
    } else if (typeof value === 'function' || typeof value === 'symbol') {
      return false;
    }
  }
  return true;
}

/** Adds what V8's serializer writes of an object to `values`. */
function addContents(object: object, values: unknown[]): void {
  if (types.isMap(object)) {
    Map.prototype.forEach.call(object, (value, key) => values.push(key, value));
  } else if (types.isSet(object)) {
    Set.prototype.forEach.call(object, (value) => values.push(value));
  } else if (types.isNativeError(object)) {
    if (Object.hasOwn(object, 'cause')) {
      values.push(object.cause);
    }
  } else if (!ArrayBuffer.isView(object) && !types.isAnyArrayBuffer(object) && !types.isBoxedPrimitive(object)) {
    // A plain loop: the elements may be too many for the arguments of one push().
    for (const key of Object.keys(object)) {
      values.push((object as Record<string, unknown>)[key]);
    }
  }
}
