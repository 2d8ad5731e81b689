/**
 * Carries errors of any class to other threads. An error arrives with name, message, stack, code and cause, and with
 * its own properties that can be cloned. It is an instance of its class if that is one of the language's, of this
 * package's, or DOMException.
 */

import { brandOf, brandedClass } from '../util';

/** An error, in a form that can be cloned. It may contain itself, as the error may. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  /** The class to make it of: see `classNamed()`. */
  readonly base: string;
  stack: string | undefined;
  code: string | number | undefined;
  cause: SerializedValue | undefined;
  /** Its other own properties. */
  own: readonly SerializedProperty[];
}

interface SerializedProperty {
  readonly key: string;
  readonly isEnumerable: boolean;
  readonly content: SerializedValue;
}

/** A value that is an error, contains errors, or is neither. */
type SerializedValue = SerializedError | { readonly list: readonly SerializedValue[] } | { readonly value: unknown };

/** The maximum length of a chain of causes, or of other errors within errors. */
const MAX_DEPTH = 32;

const DOM_EXCEPTION = 'DOMException';

type ErrorClass = new (...args: never[]) => Error;

/** The classes of the language. A Map, because a name can be `constructor`, and every object has something there. */
const STANDARD: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>(
  [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
    (globalThis as { SuppressedError?: ErrorClass }).SuppressedError,
  ].flatMap((errorClass) => (errorClass === undefined ? [] : [[errorClass.name, errorClass]])),
);

/** Properties that are own, and not enumerable, in errors of the language. */
const HIDDEN: readonly string[] = ['errors', 'error', 'suppressed'];

/** Properties that have their own place in a serialized error. */
const PLACED: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause']);

/** Errors that have come from another thread and do not have their caller's stack yet. */
const received = new WeakSet();

/**
 * Converts a thrown value to a form that can be cloned: the fields of an error, any other value as it is. Never throws.
 */
export function serializeError(thrown: unknown): SerializedError | { readonly value: unknown } {
  const serialized = serialize(thrown, 0, new Map());
  return serialized !== undefined && 'name' in serialized ? serialized : { value: cloneOrText(thrown) };
}

/** Makes the thrown value from the result of {@link serializeError}. */
export function deserializeError(transferred: SerializedError | { readonly value: unknown }): unknown {
  const thrown = deserialize(transferred, new Map());
  if ('name' in transferred) {
    received.add(thrown as object);
  }
  return thrown;
}

/**
 * Appends the stack of the caller, and of its callers, to that of an error from another thread, which ends at the
 * handler. Does nothing with any other value, and nothing the second time.
 */
export function appendCallerStack(error: unknown): void {
  if (typeof error !== 'object' || error === null || !received.delete(error)) {
    return;
  }
  const { stack } = error as Error;
  const here: { stack?: unknown } = {};
  Error.captureStackTrace(here, appendCallerStack);
  if (typeof stack === 'string' && typeof here.stack === 'string') {
    const start = here.stack.indexOf('\n    at ');
    defineHidden(error, 'stack', start < 0 ? stack : stack + here.stack.slice(start));
  }
}

/** Serializes an error, or a list with errors; returns undefined for any other value. */
function serialize(
  value: unknown,
  depth: number,
  known: Map<unknown, SerializedError>,
): Exclude<SerializedValue, { value: unknown }> | undefined {
  if (isError(value)) {
    return known.get(value) ?? serializeFields(value, depth, known);
  }
  const list = attempt(() => (Array.isArray(value) && value.some(isError) ? [...(value as unknown[])] : undefined));
  return list && { list: list.map((entry) => serialize(entry, depth, known) ?? { value: cloneOrText(entry) }) };
}

function serializeFields(thrown: ErrorLike, depth: number, known: Map<unknown, SerializedError>): SerializedError {
  const serialized: SerializedError = {
    name: text(() => thrown.name),
    message: text(() => thrown.message),
    base: attempt(() => baseOf(thrown)) ?? 'Error',
    stack: undefined,
    code: undefined,
    cause: undefined,
    own: [],
  };
  known.set(thrown, serialized);
  const stack = attempt(() => thrown.stack);
  const code = attempt(() => thrown.code);
  const hasCode = (typeof code === 'string' || typeof code === 'number') && serialized.base !== DOM_EXCEPTION;
  serialized.stack = typeof stack === 'string' ? stack : undefined;
  serialized.code = hasCode ? code : undefined;
  if (depth < MAX_DEPTH) {
    const cause = attempt(() => thrown.cause);
    if (cause !== undefined) {
      serialized.cause = serialize(cause, depth + 1, known) ?? { value: cloneOrText(cause) };
    }
    serialized.own = (attempt(() => keysOf(thrown)) ?? [])
      .filter((key) => !PLACED.has(key) && !(key === 'code' && hasCode))
      .flatMap((key) => attempt(() => serializeProperty(thrown, key, depth + 1, known)) ?? []);
  }
  return serialized;
}

/** Serializes one property; throws if it cannot be read or cloned. */
function serializeProperty(
  thrown: ErrorLike,
  key: string,
  depth: number,
  known: Map<unknown, SerializedError>,
): SerializedProperty {
  const value = (thrown as unknown as Record<string, unknown>)[key];
  return {
    key,
    isEnumerable: Object.prototype.propertyIsEnumerable.call(thrown, key),
    content: serialize(value, depth, known) ?? { value: structuredClone(value) },
  };
}

function keysOf(thrown: object): string[] {
  return [
    ...Object.keys(thrown),
    ...HIDDEN.filter((key) => Object.getOwnPropertyDescriptor(thrown, key)?.enumerable === false),
  ];
}

/** Returns the name of the class by which an error is made again: the nearest one that the other thread has, too. */
function baseOf(thrown: object): string {
  if (isDomException(thrown)) {
    return DOM_EXCEPTION;
  }
  const brand = brandOf(thrown);
  if (brand !== undefined) {
    return brand;
  }
  for (let prototype: unknown = thrown; prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'constructor');
    // By name, so that errors of another realm are recognised.
    const name: unknown = (descriptor?.value as { name?: unknown } | undefined)?.name;
    if (typeof name === 'string' && STANDARD.has(name)) {
      return name;
    }
  }
  return 'Error';
}

function deserialize(transferred: SerializedValue, known: Map<SerializedError, object>): unknown {
  if ('value' in transferred) {
    return transferred.value;
  }
  if ('list' in transferred) {
    return transferred.list.map((entry) => deserialize(entry, known));
  }
  return known.get(transferred) ?? deserializeFields(transferred, known);
}

function deserializeFields(transferred: SerializedError, known: Map<SerializedError, object>): object {
  const { name, message, base, stack, code, cause, own } = transferred;
  const error =
    base === DOM_EXCEPTION
      ? new DOMException(message, name)
      : Reflect.construct<[string], Error>(Error, [message], classNamed(base));
  known.set(transferred, error);
  if (error.name !== name) {
    defineHidden(error, 'name', name);
  }
  if (stack !== undefined) {
    defineHidden(error, 'stack', stack);
  }
  if (code !== undefined) {
    Object.defineProperty(error, 'code', { value: code, configurable: true, enumerable: true, writable: true });
  }
  if (cause !== undefined) {
    defineHidden(error, 'cause', deserialize(cause, known));
  }
  for (const { key, isEnumerable, content } of own) {
    const value = deserialize(content, known);
    Object.defineProperty(error, key, { value, configurable: true, enumerable: isEnumerable, writable: true });
  }
  return error;
}

function classNamed(name: string): ErrorClass {
  return brandedClass(name) ?? STANDARD.get(name) ?? Error;
}

function defineHidden(error: object, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true });
}

/** What is read of an error. Nothing is known of the types. */
interface ErrorLike {
  readonly name?: unknown;
  readonly message: unknown;
  readonly stack: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** Tells by its properties whether a value is an error: it may come from another realm. */
function isError(value: unknown): value is ErrorLike {
  return (
    attempt(
      () =>
        typeof value === 'object' &&
        value !== null &&
        'message' in value &&
        // Bun gives no stack to a DOMException that the program makes.
        ('stack' in value || isDomException(value)),
    ) === true
  );
}

function isDomException(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object DOMException]';
}

function cloneOrText(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return text(() => value);
  }
}

/** Returns what `read` returns; undefined if it throws, as a getter or a proxy may. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Converts what `read` returns to a string. Some values have none, such as objects without a prototype. */
function text(read: () => unknown): string {
  return attempt(() => String(read())) ?? '(it has no text)';
}
