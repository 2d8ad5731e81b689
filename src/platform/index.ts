/**
 * Node and the native binding: clocks, timers, built-in modules, and the reactor that wakes this thread.
 * May use: util.
 */

export {
  ADDRESS_LENGTH,
  ALARM,
  CLOSED,
  ENTRY_LENGTH,
  EPOCH_SHIFT,
  ERROR,
  HANG_UP,
  LAST_TOKEN,
  NO_SLOT,
  PRIORITY,
  READABLE,
  SELECT_LENGTH,
  SET,
  STATUS_INVALID_HANDLE,
  STATUS_CLOSED,
  TRUNCATED,
  WRITABLE,
  check,
  fast,
  makeBatch,
  native,
  toError,
} from './binding';
export { CLOCK_TOLERANCE, type Clock, monotonicNow, systemClock, wallOffset } from './clock';
export { debug, debugSleep, debugWakeUp, isDebugging } from './debug';
export { isMusl } from './elf';
export { errno } from './errno';
export { jobRunner } from './jobs';
export { LateHistogram } from './late-histogram';
export { markAsUncloneable, markAsUntransferable, os, perfHooks, v8, workerThreads } from './lazy-builtins';
export { PLATFORMS, platformName } from './load-binding';
export { nodeProcess } from './node-process';
export * as reactor from './reactor';
export { clearImmediate, clearTimeout, setImmediate, setTimeout } from './real-timers';
export { beginBlocking, endBlocking, report } from './report';
export { canReadChannels, hasSerializer, sharesUv, unsupportedReason } from './runtime';
export { reserveStack } from './stack';
