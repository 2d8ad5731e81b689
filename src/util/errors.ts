/**
 * The errors of this package: one class for each kind, each with a stable `code`.
 *
 * Native code never makes errors. `instanceof` recognises them by a brand, which holds across realms (jest, vm) and
 * across two installed copies of the package, where a plain `instanceof` fails.
 */

import { getSystemErrorName } from 'node:util';

type ErrorClass = new (...args: never[]) => Error;

/** The classes, by their names. */
const classes = new Map<string, ErrorClass>();

/** Returns the name of the class whose brand an object carries; undefined if it is no error of this package. */
export function brandOf(error: object): string | undefined {
  for (const name of classes.keys()) {
    if (brandKey(name) in error) {
      return name;
    }
  }
  return undefined;
}

/** Returns the class that {@link brandOf} has named. */
export function brandedClass(name: string): ErrorClass | undefined {
  return classes.get(name);
}

function brandKey(name: string): symbol {
  return Symbol.for(`waitable-event.${name}`);
}

/** Makes `instanceof errorClass` true for each object that carries the brand of that class. */
function brand(errorClass: ErrorClass, name: string): void {
  classes.set(name, errorClass);
  const key = brandKey(name);
  Object.defineProperty(errorClass.prototype, key, { value: true });
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value: (candidate: unknown) => typeof candidate === 'object' && candidate !== null && key in candidate,
  });
}

/**
 * An argument has the wrong type. Every function throws this before it waits or changes anything. The message names the
 * argument and what it must be.
 */
export class InvalidArgTypeError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_TYPE' as const;

  constructor(name: string, expected: string, actual: unknown) {
    super(`Expected \`${name}\` to be ${expected}, got ${describe(actual)}`);
  }
}

/**
 * An argument has the right type and an impossible value, such as NaN or a negative descriptor. Every function throws
 * this before it waits or changes anything. The message names the argument and what it must be.
 */
export class InvalidArgValueError extends RangeError {
  readonly code = 'ERR_INVALID_ARG_VALUE' as const;

  constructor(name: string, expected: string, actual: unknown) {
    super(`Expected \`${name}\` to be ${expected}, got ${describe(actual)}`);
  }
}

/**
 * The event was closed before the call, or while the call waited. Thrown by the methods of `WaitableEvent`, and by
 * `select()` for such an event; rejects `waitAsync()`. `closed` tells in advance.
 */
export class EventClosedError extends Error {
  readonly code = 'ERR_EVENT_CLOSED' as const;

  constructor() {
    super('The event is closed');
  }
}

/**
 * No live object of this process has the handle: the object was closed or collected, or the handle is not one that its
 * `handle` property returned. Thrown by `WaitableEvent.open()`, `RunLoop.connect()` and `TaskManager.connect()`. Keep a
 * reference to the object in its own thread until the other thread has opened the handle.
 */
export class InvalidHandleError extends Error {
  readonly code = 'ERR_INVALID_HANDLE' as const;

  constructor(what: string) {
    super(`No live ${what} has this handle: it was closed or collected, or the handle was never returned by one`);
  }
}

/**
 * The thread is being terminated while it blocks. Blocking calls throw this when `terminate()` or `process.exit()` ends
 * their thread. JavaScript does not run after that, so only native code of other packages can catch it.
 */
export class InterruptedError extends Error {
  readonly code = 'ERR_INTERRUPTED' as const;

  constructor() {
    super('The wait ended because its thread is being terminated');
  }
}

/** What the kernel means when it refuses to watch a descriptor. */
const EPOLL_REASONS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  EINVAL: 'the descriptor, or one that it holds, is watched in too many places (Linux has a limit)',
  ELOOP: 'the descriptor is an epoll that holds others too many levels deep (Linux has a limit of five in all)',
  ENOSPC: 'too many descriptors are watched (/proc/sys/fs/epoll/max_user_watches)',
  ENOTSUP: 'the state of this file is gone once it was polled: use select(), runSync() or loop()',
};

/**
 * A system call failed. `code` is the name that the operating system has for the reason: `EMFILE`, `EBADF`, … Thrown by
 * functions that make, watch, read or write descriptors.
 */
export class SystemError extends Error {
  readonly code: string;
  /** The negated error number, as in Node's own system errors. */
  readonly errno: number;
  /** The operation that failed. */
  readonly syscall: string;

  constructor(errno: number, syscall: string) {
    const code = getSystemErrorName(errno);
    const reason = syscall === 'epoll_ctl' ? EPOLL_REASONS[code] : undefined;
    super(`${code}: ${syscall} failed${reason === undefined ? '' : `: ${reason}`}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/**
 * The native binding could not be loaded. Thrown when the package is loaded; `cause` has the reason of each attempt.
 * Install again on this platform, without the lock file of another one.
 */
export class BindingUnavailableError extends Error {
  readonly code = 'ERR_BINDING_UNAVAILABLE' as const;

  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`No native binding of waitable-event could be loaded for ${process.platform}-${process.arch}. ${reason}`, {
      cause,
    });
  }
}

/**
 * The task manager has no handler of that name. Rejects `call()`, is thrown by `callSync()`, and reaches `onError` of
 * the manager for `schedule()`. Call `define()` with that name in the thread of the manager.
 */
export class UnknownTaskError extends Error {
  readonly code = 'ERR_UNKNOWN_TASK' as const;

  constructor(name: string) {
    super(`No handler is defined for the task ${JSON.stringify(name)}`);
  }
}

/**
 * The task manager, or the connection to it, is closed. Thrown by the methods of `TaskManager` and `RemoteTaskManager`,
 * and rejects the calls that are pending when either closes. Connect again if only the connection is closed.
 */
export class TaskManagerClosedError extends Error {
  readonly code = 'ERR_TASK_MANAGER_CLOSED' as const;

  constructor(what = 'task manager') {
    super(`The ${what} is closed`);
  }
}

/**
 * A task has no time, no interval or no body. Thrown by `installTask()` and `resumeTask()`, and by a `processTask()`
 * that was not overridden. The message says what is missing.
 */
export class InvalidTaskError extends Error {
  readonly code = 'ERR_INVALID_TASK' as const;
}

/**
 * The queue to the task manager is full. Thrown by `schedule()` instead of blocking if `onFull` is `'throw'`, which is
 * the main thread's default. Schedule again after `await remote.drained()`, or raise the manager's `capacity`.
 */
export class QueueFullError extends Error {
  readonly code = 'ERR_QUEUE_FULL' as const;

  constructor() {
    super('The queue to the task manager is full');
  }
}

/** A task was cancelled before it began. Rejects the `call()` whose result it should have been. */
export class TaskCancelledError extends Error {
  readonly code = 'ERR_TASK_CANCELLED' as const;

  constructor(name: string) {
    super(`The task ${JSON.stringify(name)} was cancelled`);
  }
}

/**
 * A call had no result within its `timeout`. Rejects `call()` and is thrown by `callSync()`. A task that has not begun
 * is cancelled. Raise `timeout`, or find out what keeps the thread of the manager busy.
 */
export class CallTimeoutError extends Error {
  readonly code = 'ERR_CALL_TIMEOUT' as const;

  constructor(name: string, timeout: number, isUnread = false) {
    super(
      `The call of ${JSON.stringify(name)} had no result within ${timeout} ms` +
        (isUnread
          ? '. Its manager does not read what is sent to it: its loop does not run, or its thread is busy'
          : ''),
    );
  }
}

/**
 * A thread would block forever: for a task manager of its own, or for one of a thread that blocks for this one. Thrown
 * by `callSync()` and by a blocking `schedule()`, in both threads. Use `call()`, or connect from another thread.
 */
export class WouldDeadlockError extends Error {
  readonly code = 'ERR_WOULD_DEADLOCK' as const;

  constructor(message = 'The thread of a task manager cannot block until that manager replies') {
    super(message);
  }
}

/**
 * The loop, or the time machine, is running already. Thrown by `runSync()` and by the time machine, and rejects
 * `run()`. Await the first run before the next one.
 */
export class LoopRunningError extends Error {
  readonly code = 'ERR_LOOP_RUNNING' as const;

  constructor() {
    super('The loop is running already');
  }
}

/**
 * The loop was closed. Thrown by `runSync()`, `loop()`, `add()`, `deferred()`, `handle` and `taskManager` of a closed
 * loop, and rejects `run()`. Make a new loop.
 */
export class LoopClosedError extends Error {
  readonly code = 'ERR_LOOP_CLOSED' as const;

  constructor() {
    super('The loop is closed');
  }
}

/**
 * Virtual time does not pass. Thrown by a time machine if other threads are busy for longer than `timeout`, or if a
 * function or task always defers or installs itself without delay. The message names them.
 */
export class TimeStalledError extends Error {
  readonly code = 'ERR_TIME_STALLED' as const;

  constructor(reason: string) {
    super(`Virtual time has stood still ${reason}`);
  }
}

/**
 * The time machine does not control the clock any more: it was restored, or another one was made for the same loop.
 * Thrown by its methods that move time. Make a new one.
 */
export class TimeMachineRestoredError extends Error {
  readonly code = 'ERR_TIME_MACHINE_RESTORED' as const;

  constructor() {
    super('The time machine was restored, or another one has replaced it');
  }
}

/**
 * A worker has ended, and was not asked to. Rejects `ready` of a TaskWorker, and `run()` of a TaskPool whose worker has
 * ended. `cause` has the error that ended it, if there was one. A pool replaces the worker.
 */
export class WorkerFailedError extends Error {
  readonly code = 'ERR_WORKER_FAILED' as const;

  constructor(what: string, cause?: unknown) {
    super(`The worker ${what}`, cause === undefined ? undefined : { cause });
  }
}

/**
 * The worker does not serve yet. Thrown by `tasks` of a TaskWorker, and by `readySync()` after its timeout. Await
 * `ready` first, and have the worker's module call `serve()`.
 */
export class WorkerNotReadyError extends Error {
  readonly code = 'ERR_WORKER_NOT_READY' as const;

  constructor() {
    super('The worker does not serve yet: it is starting, or its module does not call serve()');
  }
}

/**
 * The thread was not started by a TaskWorker or a TaskPool. Rejects `serve()`, and is thrown by `parent()`. Call them
 * in the module that a TaskWorker or a TaskPool loads.
 */
export class NotTaskWorkerError extends Error {
  readonly code = 'ERR_NOT_A_TASK_WORKER' as const;

  constructor(name: string) {
    super(`${name} works only in a worker that a TaskWorker or a TaskPool has started`);
  }
}

/** The pool was closed. Rejects `run()` after `close()`, and tasks that `destroy()` ends. Make a new pool. */
export class PoolClosedError extends Error {
  readonly code = 'ERR_POOL_CLOSED' as const;

  constructor() {
    super('The pool is closed');
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
brand(LoopClosedError, 'LoopClosedError');
brand(TimeStalledError, 'TimeStalledError');
brand(TimeMachineRestoredError, 'TimeMachineRestoredError');
brand(WorkerFailedError, 'WorkerFailedError');
brand(WorkerNotReadyError, 'WorkerNotReadyError');
brand(NotTaskWorkerError, 'NotTaskWorkerError');
brand(PoolClosedError, 'PoolClosedError');

/** Describes a value in a few words for a message. */
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
