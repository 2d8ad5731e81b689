/** Errors of handlers, on their way to the caller in another process. */

import {
  CallTimeoutError,
  QueueFullError,
  TaskCancelledError,
  TaskManagerClosedError,
  UnknownTaskError,
} from 'waitable-event';

import { type Encoded, decode, encode } from './codec';
import { messageOf } from './errors';

/** An error in the store. */
export interface StoredError {
  name: string;
  message: string;
  stack?: string | undefined;
  code?: Encoded | undefined;
  cause?: StoredError | Encoded | undefined;
  /** What was thrown was no Error. */
  value?: Encoded | undefined;
}

const LANGUAGE_ERRORS: Record<string, ErrorConstructor> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Errors of `waitable-event` that a handler may throw: they arrive as instances of their class. */
const OWN_ERRORS: Record<string, { prototype: Error }> = {
  ERR_CALL_TIMEOUT: CallTimeoutError,
  ERR_QUEUE_FULL: QueueFullError,
  ERR_TASK_CANCELLED: TaskCancelledError,
  ERR_TASK_MANAGER_CLOSED: TaskManagerClosedError,
  ERR_UNKNOWN_TASK: UnknownTaskError,
};

/** Chains of causes end here. */
const DEEPEST = 8;

/** Returns an encoded value, or undefined for one that cannot be stored. */
function tryEncode(value: unknown, limit: number): Encoded | undefined {
  try {
    return encode(value, limit);
  } catch {
    return undefined;
  }
}

/** Returns what a handler threw, as it is stored. */
export function packError(error: unknown, limit: number, depth = 0): StoredError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: messageOf(error), value: tryEncode(error, limit) };
  }
  const { name, message, stack, cause } = error;
  const code: unknown = (error as { code?: unknown }).code;
  const packedCause =
    cause instanceof Error && depth < DEEPEST ? packError(cause, limit, depth + 1) : tryEncode(cause, limit);
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(code === undefined ? {} : { code: tryEncode(code, limit) }),
    ...(cause === undefined ? {} : { cause: packedCause }),
  };
}

/** Returns the error again: name, message, stack, code and cause are the handler's. */
export function unpackError(stored: StoredError): unknown {
  if (stored.value !== undefined) return decode(stored.value);
  const code = stored.code === undefined ? undefined : decode(stored.code);
  const own = typeof code === 'string' ? OWN_ERRORS[code] : undefined;
  const error = new (LANGUAGE_ERRORS[stored.name] ?? Error)(stored.message);
  if (own !== undefined) Object.setPrototypeOf(error, own.prototype);
  const define = (key: string, value: unknown): void => {
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  };
  define('stack', stored.stack);
  if (error.name !== stored.name) define('name', stored.name);
  if (code !== undefined)
    Object.defineProperty(error, 'code', { value: code, configurable: true, enumerable: true, writable: true });
  if (stored.cause !== undefined) {
    define('cause', 'message' in stored.cause ? unpackError(stored.cause) : decode(stored.cause));
  }
  return error;
}
