/** The task manager. */

import { type InspectOptions, inspect } from 'node:util';

import { type ConnectOptions, RemoteTaskManager, type ScheduledTask } from '../client';
import { markAsUncloneable, reserveStack } from '../platform';
import {
  type RemoteOptions,
  SCHEDULE_OPTIONS,
  type ScheduleOptions,
  type TaskArguments,
  type TaskManagerHandle,
  type TaskName,
  type TaskPayload,
  type TaskResult,
  type TaskCarrier,
  type UntypedHandlers,
  announceSend,
  isOnFull,
  rareOptions,
  validateHandle,
} from '../protocol';
import { type InstallOptions, type RecurringOptions, type Task, type TaskOwner, taskOwner } from '../tasks';
import {
  EventClosedError,
  InvalidArgValueError,
  InvalidHandleError,
  TaskManagerClosedError,
  inspectAs,
  throwIfAborted,
  validateFunction,
  validateInteger,
  validateMilliseconds,
  validateNames,
  validateOptions,
  validateSignal,
  validateString,
} from '../util';
import type { InstalledTask } from './installed-tasks';
import type * as onDemand from './on-demand';
import type { TaskManagerOptions } from './options';
import type { TaskManagerStats } from './manager-stats';
import type * as runningParts from './running';
import type { TaskRunner } from './task-runner';

/** Loads what a manager runs tasks with. */
const running = (): typeof runningParts => require('./running') as typeof runningParts;

/** Loads what few managers need. */
const loadOnDemand = (): typeof onDemand => require('./on-demand') as typeof onDemand;

/** The key of what a loop calls on its own manager. It is a symbol because a subclass may use any name. */
export const configure: unique symbol = Symbol('configure');

/** The second argument of a handler. */
export interface TaskContext<Handlers = UntypedHandlers> {
  /** The name under which the task was scheduled. */
  readonly name: string;
  /** The manager that runs the task. */
  readonly manager: TaskManager<Handlers>;
  /** The thread that has scheduled or called the task: its `threadId` of node:worker_threads. */
  readonly threadId: number;
  /**
   * When the task was due, on the wall clock, in milliseconds since the epoch; for a recurring task, the point that
   * this run is for. `undefined` for a task that was scheduled or called without a time.
   */
  readonly due: number | undefined;
  /**
   * Aborts when the producer cancels the task while it runs, or no longer waits for its result. Its `reason` is that of
   * the producer's own signal, or the `ERR_CALL_TIMEOUT` of its call. A reason from another thread is a copy; one that
   * cannot be copied, and `cancel()`, give an AbortError.
   */
  readonly signal: AbortSignal;
  /**
   * What a subscriber of the diagnostics channel `waitable-event:task:send` has sent along with the task, such as a
   * `traceparent`; `undefined` where nothing was sent.
   */
  readonly carrier: TaskCarrier | undefined;
}

/** Runs the tasks of one name. Its errors, and those of the promise that it returns, go to the manager's `onError`. */
// oxlint-disable-next-line typescript/no-explicit-any -- the producer and the handler of a name agree on its payload
export type TaskHandler = (payload: any, context: TaskContext) => unknown;

/**
 * The handler of a name, as `Handlers` describes it. It may return its result or a promise. A handler that `Handlers`
 * describes without a result may return anything.
 */
export type TypedTaskHandler<Handlers, Name extends TaskName<Handlers>> = (
  payload: TaskPayload<Handlers, Name>,
  context: TaskContext<Handlers>,
) => [TaskResult<Handlers, Name>] extends [void]
  ? unknown
  : TaskResult<Handlers, Name> | PromiseLike<TaskResult<Handlers, Name>>;

/** Options of `define()`. */
export interface DefineOptions {
  /**
   * How many promises of the handler may be pending at the same time, from 1. Further tasks of the name wait for their
   * turn in the order in which they came. `cancel()` of a task that waits for its turn answers `'cancelled'`.
   * @default Infinity
   */
  concurrency?: number | undefined;
}

/** The time and the other options of a task that was scheduled without any. */
const IMMEDIATE: TimeAndOptions = { at: { delta: 0 }, isTimed: false, rarer: {} };

interface TimeAndOptions {
  readonly at: { readonly delta: number };
  readonly isTimed: boolean;
  readonly rarer: RemoteOptions;
}

function timeAndOptions(options: ScheduleOptions): TimeAndOptions {
  validateNames('options', options, SCHEDULE_OPTIONS);
  const { delta = 0, signal, when, interval } = options;
  validateMilliseconds('options.delta', delta);
  validateSignal(signal);
  const isTimed = options.delta !== undefined || when !== undefined || interval !== undefined;
  return { at: { delta }, isTimed, rarer: rareOptions(options) ?? IMMEDIATE.rarer };
}

/**
 * Runs tasks in its loop, as soon as possible or at a time. Tasks are objects of this thread, or handlers that any
 * thread schedules by name, with the manager's `handle`. Follows BACpypes' `TaskManager`.
 *
 * Tasks that other threads schedule while the loop sleeps wake it once, however many they are. While it is awake they
 * cost no wake-up. A manager belongs to the thread that made it.
 *
 * @example
 * // main.js
 * core.taskManager.define('sample', (value) => console.log(value));
 * new Worker('./worker.js', { workerData: core.taskManager.handle });
 * await core.run();
 * // worker.js
 * TaskManager.connect(workerData).schedule('sample', 42);
 *
 * @example
 * // With types: names, payloads and results are checked in both threads.
 * interface Handlers { sample(value: number): void }
 * const tasks: TaskManager<Handlers> = core.taskManager;
 * tasks.define('sample', (value) => console.log(value.toFixed(1)));
 * TaskManager.connect<Handlers>(tasks.handle).schedule('sample', 21.5);
 */
export class TaskManager<Handlers = UntypedHandlers> {
  readonly #runner: TaskRunner;

  /** Makes a manager. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid options. */
  constructor(options?: TaskManagerOptions) {
    reserveStack();
    const { TaskRunner: Runner, toSettings } = running();
    // oxlint-disable-next-line typescript/unbound-method -- it is compared, and not called
    this.#runner = new Runner(this, TaskManager.prototype.suspendTask, toSettings(options));
    markAsUncloneable(this);
  }

  /**
   * Connects this thread to a manager that another thread owns. Throws `ERR_INVALID_HANDLE` when no live manager has
   * this handle, and `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid options.
   *
   * @example
   * // main.js
   * core.taskManager.define('add', ([a, b]) => a + b);
   * new Worker('./adder.js', { workerData: core.taskManager.handle });
   * await core.run();
   * // adder.js
   * const tasks = TaskManager.connect(workerData);
   * console.log(await tasks.call('add', [1, 2], { timeout: 1000 })); // 3
   */
  static connect<Handlers = UntypedHandlers>(
    handle: TaskManagerHandle<Handlers>,
    options?: ConnectOptions,
  ): RemoteTaskManager<Handlers> {
    reserveStack();
    const valid = validateHandle(handle);
    validateOptions(options);
    validateNames('options', options, ['onFull']);
    const onFull = options?.onFull;
    if (!isOnFull(onFull)) {
      throw new InvalidArgValueError('options.onFull', "'block' or 'throw'", onFull);
    }
    try {
      return new RemoteTaskManager<Handlers>(valid, onFull);
    } catch (error) {
      // The manager has ended, perhaps just now. The error names the manager: the caller does not know its event.
      throw isGone(error) ? new InvalidHandleError('task manager') : error;
    }
  }

  /**
   * Returns the time on the wall clock, in milliseconds since the epoch, with fractions. With a time machine it is
   * virtual.
   */
  getTime(): number {
    return this.#runner.time();
  }

  /**
   * Installs a task in this manager, or moves it to this one; otherwise as `task.installTask()`.
   *
   * Throws `ERR_INVALID_ARG_TYPE` when `task` is no Task, and `ERR_TASK_MANAGER_CLOSED` when the manager is closed.
   * Throws what `task.installTask()` throws.
   */
  installTask(task: Task, options?: InstallOptions & RecurringOptions): void {
    this.#runner.validateTask(task);
    this.#runner.install(task, options);
  }

  /**
   * Removes a task, in O(log n); does nothing when it is not installed in this manager. Throws `ERR_INVALID_ARG_TYPE`
   * when `task` is no Task.
   */
  suspendTask(task: Task): void {
    this.#runner.validateTask(task);
    this.#runner.remove(task);
  }

  /**
   * Installs a task again: at its `taskTime`, or a recurring one at its next time, never at one that has passed.
   *
   * Throws `ERR_INVALID_ARG_TYPE` when `task` is no Task, and `ERR_INVALID_TASK` when it was never installed. Throws
   * `ERR_TASK_MANAGER_CLOSED` when the manager is closed.
   */
  resumeTask(task: Task): void {
    this.#runner.validateTask(task);
    this.#runner.resume(task);
  }

  /**
   * Removes the first task if it is due. Returns that task, or `null`, and the milliseconds until the next task is due,
   * or `null` when there is none. Follows BACpypes' `get_next_task()`.
   */
  getNextTask(): [task: Task | null, delta: number | null] {
    return this.#runner.dequeueNext();
  }

  /**
   * Runs a task now, and installs it again when it is a recurring one. Throws `ERR_INVALID_ARG_TYPE` when `task` is no
   * Task.
   */
  processTask(task: Task): void {
    this.#runner.validateTask(task);
    this.#runner.process(task);
  }

  /**
   * Sets the handler of the tasks named `name`; it replaces an earlier one, with its options. Throws
   * `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid arguments.
   *
   * @example
   * core.taskManager.define('add', ([a, b]) => a + b);
   * core.taskManager.define('fetch', (url) => download(url), { concurrency: 4 });
   */
  define<Name extends TaskName<Handlers>>(
    name: Name,
    handler: TypedTaskHandler<Handlers, Name>,
    options?: DefineOptions,
  ): void;
  define(name: string, handler: TaskHandler, options?: DefineOptions): void {
    reserveStack();
    validateString('name', name);
    validateFunction('handler', handler);
    validateOptions(options);
    validateNames('options', options, ['concurrency']);
    const concurrency = options?.concurrency ?? Infinity;
    if (concurrency !== Infinity) {
      validateInteger('options.concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
    }
    const limited = concurrency === Infinity ? handler : limitConcurrency(handler, concurrency);
    this.#runner.handlers.define(name, limited);
  }

  /**
   * Schedules a task by name from the manager's own thread, as soon as possible or as the options say. The handler gets
   * the payload itself, not a copy.
   *
   * Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid arguments and for options that do not exist,
   * the reason of a signal that is aborted, and `ERR_TASK_MANAGER_CLOSED` when the manager is closed.
   *
   * @example
   * core.taskManager.schedule('add', [1, 2], { delta: 500 });
   */
  schedule<Name extends TaskName<Handlers>>(
    name: Name,
    ...rest: TaskArguments<Handlers, Name, ScheduleOptions>
  ): ScheduledTask;
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): ScheduledTask {
    reserveStack();
    validateString('name', name);
    validateOptions(options);
    const { at, isTimed, rarer } = options === undefined ? IMMEDIATE : timeAndOptions(options);
    const signal = options?.signal;
    throwIfAborted(signal);
    const scheduled = this.#runner.makeLocalTask(isTimed, announceSend(name));
    scheduled.attach(this.#runner.handlers.install(name, payload, scheduled, rarer, at));
    if (signal !== undefined) {
      scheduled.cancelOn(signal);
    }
    return scheduled;
  }

  /**
   * Cancels the task with this key that has not begun, whichever thread has scheduled it. Returns whether there was
   * one. A recurring task does not run again; a run whose promise is pending goes on. A `call()` that another thread
   * has made with this key rejects with `ERR_TASK_CANCELLED`.
   *
   * Throws `ERR_INVALID_ARG_TYPE` when `key` is no string.
   *
   * @example
   * core.taskManager.schedule('save', draft, { key: 'save', delta: 5000 });
   * core.taskManager.cancelKey('save'); // true
   */
  cancelKey(key: string): boolean {
    reserveStack();
    return this.#runner.handlers.cancelKey(validateString('key', key));
  }

  /**
   * Returns what another thread needs to `TaskManager.connect()`. Structured-cloneable. Throws
   * `ERR_TASK_MANAGER_CLOSED` when the manager is closed.
   */
  get handle(): TaskManagerHandle<Handlers> {
    return this.#runner.receiver.handle;
  }

  /**
   * Lists the tasks that wait for their time, in the order in which they are due: those of this thread, and those of
   * others that this manager has taken out of their queues. Tasks that are suspended, or run and are not recurring, are
   * not among them. What it lists stays there: also when the manager is closed.
   *
   * With 100 000 tasks it takes some tenths of a second.
   *
   * @example
   * const saved = JSON.stringify(core.taskManager.tasks());
   * // later, perhaps in another process
   * for (const { name, payload, due, key } of JSON.parse(saved)) {
   *   core.taskManager.schedule(name, payload, { when: due, key });
   * }
   */
  tasks(): InstalledTask[] {
    reserveStack();
    return Array.from(this.#runner.tasks(), loadOnDemand().describeTask);
  }

  /** Returns the counts since the manager was made. */
  stats(): TaskManagerStats {
    return this.#runner.stats.summarize(this.#runner.pending, this.#runner.receiver);
  }

  /**
   * Closes the manager. Later calls that install or schedule a task, in any thread, throw `ERR_TASK_MANAGER_CLOSED`.
   * Waiting tasks are kept, but do not run; the `installTask()` of another manager can move them. Closing twice is
   * allowed.
   */
  close(): void {
    this.#runner.close();
  }

  /** Changes the options that are given. @internal */
  [configure](options: Omit<TaskManagerOptions, 'loop'>): void {
    this.#runner.configure(options);
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns what a task calls on the manager it is installed in. @internal */
  get [taskOwner](): TaskOwner {
    return this.#runner;
  }

  /** Shows the state in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({
      pending: this.#runner.pending,
      handlers: this.#runner.handlers.names(),
      closed: this.#runner.receiver.isClosed,
    }));
  }
}

/** Returns whether an error means that the manager has ended. */
function isGone(error: unknown): boolean {
  return [InvalidHandleError, EventClosedError, TaskManagerClosedError].some((kind) => error instanceof kind);
}

function limitConcurrency(handler: TaskHandler, concurrency: number): TaskHandler {
  const { HandlerGate } = loadOnDemand();
  return new HandlerGate(concurrency).wrap(handler);
}
