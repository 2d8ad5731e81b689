/** Carries errors of any class to other threads: with name, message, stack, code and cause. */

/** The fields of an error, in a form that can be cloned. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | number | undefined;
  readonly cause: SerializedError | { readonly value: unknown } | undefined;
}

/** The maximum length of a chain of causes. */
const MAX_DEPTH = 8;

const STANDARD: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * Converts a thrown value to a form that can be cloned: the fields of an error, any other value as it is. Never throws.
 */
export function serializeError(thrown: unknown, depth: number = 0): SerializedError | { readonly value: unknown } {
  if (!isError(thrown)) {
    return { value: cloneable(thrown) };
  }
  const code = attempt(() => (thrown as { code?: unknown }).code);
  const cause = attempt(() => (thrown as { cause?: unknown }).cause);
  const stack = attempt(() => thrown.stack);
  return {
    name: text(() => thrown.name),
    message: text(() => thrown.message),
    stack: typeof stack === 'string' ? stack : undefined,
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: cause === undefined || depth >= MAX_DEPTH ? undefined : serializeError(cause, depth + 1),
  };
}

/** Makes the thrown value from the result of {@link serializeError}. */
export function deserializeError(transferred: SerializedError | { readonly value: unknown }): unknown {
  if ('value' in transferred) {
    return transferred.value;
  }
  const { name, message, stack, code, cause } = transferred;
  const error = new (STANDARD[name] ?? Error)(message);
  const define = (key: string, value: unknown): void => {
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  };
  if (error.name !== name) {
    define('name', name);
  }
  if (stack !== undefined) {
    define('stack', stack);
  }
  if (code !== undefined) {
    Object.assign(error, { code });
  }
  if (cause !== undefined) {
    define('cause', deserializeError(cause));
  }
  return error;
}

/** Tells by its properties whether a value is an error: it may come from another realm. */
function isError(value: unknown): value is { name?: unknown; message: unknown; stack: unknown } {
  return attempt(() => typeof value === 'object' && value !== null && 'message' in value && 'stack' in value) === true;
}

function cloneable(value: unknown): unknown {
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
