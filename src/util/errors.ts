/**
 * The errors of this package: one class for each kind, each with a stable `code`.
 *
 * They are made in JavaScript, never in native code, and `instanceof` recognises them by a brand: it holds across
 * realms (jest, vm) and across two installed copies of the package, where a plain `instanceof` fails.
 */

import { getSystemErrorName } from 'node:util';

/** Makes `instanceof ErrorClass` true for whatever carries that class's brand. */
function brand(errorClass: { prototype: object }, name: string): void {
  const key = Symbol.for(`waitable-event.${name}`);
  Object.defineProperty(errorClass.prototype, key, { value: true });
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value: (candidate: unknown) => typeof candidate === 'object' && candidate !== null && key in candidate,
  });
}

/** An argument of a wrong type. */
export class InvalidArgTypeError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_TYPE' as const;

  constructor(name: string, expected: string, actual: unknown) {
    super(`Expected \`${name}\` to be ${expected}, got ${describe(actual)}`);
  }
}

/** An argument of the right type whose value makes no sense: NaN, a negative descriptor. */
export class InvalidArgValueError extends RangeError {
  readonly code = 'ERR_INVALID_ARG_VALUE' as const;

  constructor(name: string, expected: string, actual: unknown) {
    super(`Expected \`${name}\` to be ${expected}, got ${describe(actual)}`);
  }
}

/** The event was closed, before the call or while it waited. */
export class EventClosedError extends Error {
  readonly code = 'ERR_EVENT_CLOSED' as const;

  constructor() {
    super('The event is closed');
  }
}

/** A handle that no live object of this process has: stale, or invented. */
export class InvalidHandleError extends Error {
  readonly code = 'ERR_INVALID_HANDLE' as const;

  constructor(what: string) {
    super(`No live ${what} has this handle: it was closed, or all who held it are gone, or it was never handed out`);
  }
}

/** The thread that waits is being ended; only native code of other packages ever sees it. */
export class InterruptedError extends Error {
  readonly code = 'ERR_INTERRUPTED' as const;

  constructor() {
    super('The wait was given up because its thread is being ended');
  }
}

/** The operating system refused. `code` is its own name for the reason: `EMFILE`, `EBADF`, … */
export class SystemError extends Error {
  readonly code: string;
  /** The negated number of the error, as in Node's own system errors. */
  readonly errno: number;
  /** What was being done. */
  readonly syscall: string;

  constructor(errno: number, syscall: string) {
    const code = getSystemErrorName(errno);
    super(`${code}: ${syscall} failed`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** The native half of the package could not be loaded. `cause` has the reason of each attempt. */
export class BindingUnavailableError extends Error {
  readonly code = 'ERR_BINDING_UNAVAILABLE' as const;

  constructor(cause: unknown) {
    const reason =
      reasonOf(cause) ??
      'If the platform is supported, a lock file made on another platform may have left its package out: ' +
        'delete node_modules and the lock file, and install again.';
    super(`No native binding of waitable-event could be loaded for ${process.platform}-${process.arch}. ${reason}`, {
      cause,
    });
  }
}

/** A name for which the task manager has no handler. */
export class UnknownTaskError extends Error {
  readonly code = 'ERR_UNKNOWN_TASK' as const;

  constructor(name: string) {
    super(`No handler is defined for the task ${JSON.stringify(name)}`);
  }
}

/** The task manager, or this connection to it, is closed. */
export class TaskManagerClosedError extends Error {
  readonly code = 'ERR_TASK_MANAGER_CLOSED' as const;

  constructor(what = 'task manager') {
    super(`The ${what} is closed`);
  }
}

/** A task that cannot be installed: without a time, without an interval, without a body. */
export class InvalidTaskError extends Error {
  readonly code = 'ERR_INVALID_TASK' as const;
}

/** The queue to the task manager is full, and its option says not to wait. */
export class QueueFullError extends Error {
  readonly code = 'ERR_QUEUE_FULL' as const;

  constructor() {
    super('The queue to the task manager is full');
  }
}

/** A task that somebody waits for was cancelled before it began. */
export class TaskCancelledError extends Error {
  readonly code = 'ERR_TASK_CANCELLED' as const;

  constructor(name: string) {
    super(`The task ${JSON.stringify(name)} was cancelled`);
  }
}

/** A call had no result in time. */
export class CallTimeoutError extends Error {
  readonly code = 'ERR_CALL_TIMEOUT' as const;

  constructor(name: string, timeout: number) {
    super(`The call of ${JSON.stringify(name)} had no result within ${timeout} ms`);
  }
}

/** A thread would block for itself. */
export class WouldDeadlockError extends Error {
  readonly code = 'ERR_WOULD_DEADLOCK' as const;

  constructor() {
    super("The manager's own thread cannot block for the manager");
  }
}

/** The loop runs already. */
export class LoopRunningError extends Error {
  readonly code = 'ERR_LOOP_RUNNING' as const;

  constructor() {
    super('The loop is running already');
  }
}

/** Virtual time does not pass: other threads are at work for too long, or there is always something to do at once. */
export class TimeStalledError extends Error {
  readonly code = 'ERR_TIME_STALLED' as const;

  constructor(reason: string) {
    super(`Virtual time has stood still ${reason}`);
  }
}

/** The time machine has given the clock back. */
export class TimeMachineRestoredError extends Error {
  readonly code = 'ERR_TIME_MACHINE_RESTORED' as const;

  constructor() {
    super('The time machine has given the clock back, or another one has taken it');
  }
}

brand(InvalidArgTypeError, 'InvalidArgTypeError');
brand(InvalidArgValueError, 'InvalidArgValueError');
brand(EventClosedError, 'EventClosedError');
brand(InvalidHandleError, 'InvalidHandleError');
brand(InterruptedError, 'InterruptedError');
brand(SystemError, 'SystemError');
brand(BindingUnavailableError, 'BindingUnavailableError');
brand(UnknownTaskError, 'UnknownTaskError');
brand(TaskManagerClosedError, 'TaskManagerClosedError');
brand(InvalidTaskError, 'InvalidTaskError');
brand(QueueFullError, 'QueueFullError');
brand(TaskCancelledError, 'TaskCancelledError');
brand(CallTimeoutError, 'CallTimeoutError');
brand(WouldDeadlockError, 'WouldDeadlockError');
brand(LoopRunningError, 'LoopRunningError');
brand(TimeStalledError, 'TimeStalledError');
brand(TimeMachineRestoredError, 'TimeMachineRestoredError');

/** Why a binding that is there cannot be loaded: the first cause that is more than something which was not found. */
function reasonOf(cause: unknown): string | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (!error.message.startsWith('Cannot find ')) {
      return error.message;
    }
  }
  return undefined;
}

/** A value, short enough for a message. */
function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `the string '${value.slice(0, 40)}…'` : `the string '${value}'`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : `an instance of ${value.constructor?.name ?? 'Object'}`;
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
  }
}
