/**
 * Errors, argument checks and small structures that know nothing of the rest.
 * May use: nothing.
 */

export { BinaryHeap, type BinaryHeapMember } from './binary-heap';
export {
  BindingUnavailableError,
  CallTimeoutError,
  EventClosedError,
  InterruptedError,
  InvalidArgTypeError,
  InvalidArgValueError,
  InvalidHandleError,
  InvalidTaskError,
  LoopClosedError,
  LoopRunningError,
  NotTaskWorkerError,
  PoolClosedError,
  QueueFullError,
  SystemError,
  TaskCancelledError,
  TaskManagerClosedError,
  TimeMachineRestoredError,
  TimeStalledError,
  UnknownTaskError,
  WorkerFailedError,
  WorkerNotReadyError,
  WouldDeadlockError,
  brandOf,
  brandedClass,
} from './errors';
export { recordMilliseconds } from './histogram';
export { inspectAs } from './inspect';
export { isThenable } from './is-thenable';
export {
  throwIfAborted,
  validateBoolean,
  validateDescriptor,
  validateFinite,
  validateFunction,
  validateInteger,
  validateInstallNames,
  validateMilliseconds,
  validateNames,
  validateOptions,
  validatePositive,
  validateSignal,
  validateString,
  validateTime,
  validateTimeout,
} from './validate';
