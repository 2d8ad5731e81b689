/**
 * The only file that uses the binding. Native functions never throw. They return a number, and this file makes an
 * error of a negative one.
 */

import { inspect } from 'node:util';

// oxlint-disable-next-line no-restricted-imports -- what the build of the native half writes
import type * as binding from '../../binding';
import {
  BindingUnavailableError,
  EventClosedError,
  InterruptedError,
  InvalidArgValueError,
  InvalidHandleError,
  SystemError,
} from '../util';
import { loadBinding } from './load-binding';
import { setImmediate } from './real-timers';
import { sharesUv, unsupportedReason } from './runtime';

type Binding = typeof binding;

// Native code has the same numbers, down to EPOCH_SHIFT: `shared-numbers.test.ts` compares them.

/** The negative results beside `-errno`. */
export const STATUS_CLOSED = -10_001;
export const STATUS_INTERRUPTED = -10_002;
export const STATUS_INVALID_HANDLE = -10_003;
export const STATUS_NO_ENVIRONMENT = -10_004;

/** Bits of interest and readiness. */
export const READABLE = 1;
export const WRITABLE = 2;
export const PRIORITY = 4;
export const HANG_UP = 8;
export const ERROR = 16;
/** In a batch: the entry reports that an event is set. */
export const EVENT = 32;
/** In the count of a batch: the alarm has expired. */
export const ALARM = 0x4000_0000;
/** In place of the count of a batch: the driver has failed, and the rest of the number is its errno. */
export const DRIVER_FAILED = 0x2000_0000;
/** In the count of a batch: the kernel was asked for the entries in this call. */
export const FRESH = 0x1000_0000;

/** The length of a batch entry: token and flags. */
export const ENTRY_LENGTH = 2;
/** Places in the entry behind the others: whether the reactor is within an iteration of the event loop, and how many
 * holders want it to keep the process alive. */
export const IN_ITERATION = 0;
export const HOLDERS = 1;
/** The length of an entry of `selectDescriptors()`: descriptor, interest and readiness. */
export const SELECT_LENGTH = 3;
/** The highest token that a batch entry holds. */
export const LAST_TOKEN = 0x7fff_ffff;
/** A number that is no slot of an event: native code answers "closed" for it. */
export const NO_SLOT = 0xffff_ffff;

/** The length of an address, and the bit in the count of a received datagram that says that it was too long. */
export const ADDRESS_LENGTH = 24;
export const TRUNCATED = 0x4000_0000;

/** The bits of the state word. */
export const SET = 1;
export const CLOSED = 2;
/** Where the epoch begins, which counts how often the event became set. */
export const EPOCH_SHIFT = 2;

/** The environment variable that chooses how Node's event loop is woken. */
const DRIVER_VARIABLE = 'WAITABLE_EVENT_DRIVER';

/** The environment variable that chooses how many descriptors are polled at a time. Native code reads it. */
const POLLER_VARIABLE = 'WAITABLE_EVENT_POLLER';

function load(): Binding {
  const reason = unsupportedReason();
  if (reason !== undefined) {
    throw new BindingUnavailableError(new Error(reason));
  }
  let loaded: Partial<Binding> | undefined;
  try {
    loaded = loadBinding() as Partial<Binding> | undefined;
  } catch (cause) {
    throw new BindingUnavailableError(cause);
  }
  // A bundler that does not know native modules puts the name of a file in their place.
  if (typeof loaded?.initialize !== 'function' || typeof loaded.fastFunctions !== 'function') {
    throw new BindingUnavailableError(
      new TypeError(
        `The module that was loaded is ${inspect(loaded, { depth: 0 })}: mark the package as external in the bundler.`,
      ),
    );
  }
  return loaded;
}

/** Tells whether libuv is to wake Node's event loop. */
function usesUv(): boolean {
  if (!sharesUv) {
    // Without a look at the environment, which Deno would have to be permitted.
    return false;
  }
  const driver = process.env[DRIVER_VARIABLE];
  if (driver !== undefined && driver !== '' && driver !== 'uv' && driver !== 'thread') {
    throw new InvalidArgValueError(DRIVER_VARIABLE, "'uv' or 'thread'", driver);
  }
  return driver !== 'thread';
}

/** Throws when the variable that native code reads has another value than native code knows on some system. */
function checkPoller(): void {
  const poller = process.env[POLLER_VARIABLE] ?? '';
  if (!['', 'epoll', 'kqueue', 'poll'].includes(poller)) {
    throw new InvalidArgValueError(POLLER_VARIABLE, "'poll', or the system's own: 'epoll' or 'kqueue'", poller);
  }
}

/**
 * Whether libuv has certainly polled its descriptors. Before, the descriptor of its loop shows no post of another
 * thread.
 */
let hasPolled = false;
setImmediate(() => {
  hasPolled = true;
}).unref();

/**
 * Returns whether another thread may interrupt or end the code that is running without the event loop's descriptor
 * showing it. A blocked wait then looks for itself. `hasLoopPolled` says that native code knows the loop to have
 * polled.
 *
 * That is so in the first turn of the main thread, and while a function of `node:vm` or something that the inspector
 * evaluates is on the stack: `timeout` and `breakOnSigint` end the code from a thread that posts nothing to the loop.
 * What the inspector evaluates has an empty file name. Code of `eval()` and the functions of the language have none.
 */
function isUnannounced(hasLoopPolled: boolean): boolean {
  if (!hasPolled && !hasLoopPolled) {
    return true;
  }
  const { stackTraceLimit } = Error;
  const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  try {
    Error.stackTraceLimit = Infinity;
    Error.prepareStackTrace = (_, frames) =>
      frames.some((frame) => /^(?:$|node:(?:vm|internal\/vm\/))/.test(frame.getFileName() ?? 'no file'));
    return new Error().stack as unknown as boolean;
  } catch {
    // Frozen intrinsics, or no stack left.
    return true;
  } finally {
    // None of them throws, though both may be read-only.
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    if (prepare === undefined) {
      Reflect.deleteProperty(Error, 'prepareStackTrace');
    } else {
      Reflect.defineProperty(Error, 'prepareStackTrace', prepare);
    }
  }
}

/** The native functions. */
export const native: Binding = load();

checkPoller();
check(
  native.initialize(() => {}, isUnannounced, usesUv()),
  'initialize',
);

/** The native functions that are called most. */
export const fast: ReturnType<Binding['fastFunctions']> = native.fastFunctions();

/** Returns `result`, or throws the error that it stands for. */
export function check(result: number, syscall: string): number {
  if (result < 0) {
    throw toError(result, syscall);
  }
  return result;
}

/** Returns the error that a negative result stands for. */
export function toError(result: number, syscall: string): Error {
  switch (result) {
    case STATUS_CLOSED:
      return new EventClosedError();
    case STATUS_INVALID_HANDLE:
      return new InvalidHandleError('event');
    case STATUS_INTERRUPTED:
    case STATUS_NO_ENVIRONMENT:
      return new InterruptedError();
    default:
      return new SystemError(result, syscall);
  }
}

/**
 * Makes the memory through which native code reports `entries` pairs of token and flags, followed by one pair of its
 * own. It is shared memory because it must not move.
 */
export function makeBatch(entries: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((entries + 1) * ENTRY_LENGTH * Int32Array.BYTES_PER_ELEMENT));
}
