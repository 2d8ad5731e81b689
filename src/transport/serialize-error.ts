/** Errors that travel to another thread: with message, name, stack, code and cause, whatever their class was. */

/** An error in a form that can be cloned. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | number | undefined;
  readonly cause: SerializedError | { readonly value: unknown } | undefined;
}

/** Causes of causes that are followed. */
const DEPTH = 8;

const STANDARD: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** What is thrown, in a form that can be cloned: an error taken apart, anything else as it is. Whatever is thrown, this does not throw. */
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
    cause: cause === undefined || depth >= DEPTH ? undefined : serializeError(cause, depth + 1),
  };
}

/** Puts together what {@link serializeError} took apart. */
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

/** By shape: an error of another realm is one too. */
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

/** What `read` returns, or nothing when it throws: a getter may, and so may a proxy. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Text for what `read` returns; an object without a prototype has none, for one. */
function text(read: () => unknown): string {
  return attempt(() => String(read())) ?? '(it has no text)';
}
