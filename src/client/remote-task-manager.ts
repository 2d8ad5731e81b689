/** A task manager, as other threads see it. */

import { type InspectOptions, inspect } from 'node:util';

import {
  CANCEL_OUTCOMES,
  CONTROL_CANCEL,
  CONTROL_COUNT,
  CONTROL_RESUME,
  CONTROL_SUSPEND,
  type CancelOutcome,
  IMMEDIATELY,
  type Introduction,
  type ProducerMessage,
  announceSend,
  connectionChannelName,
  introduceInSeat,
  RECORD_CALL,
  RECORD_NOW,
  type RemoteOptions,
  type ScheduleOptions,
  type TaskArguments,
  type TaskManagerCounts,
  type TaskManagerHandle,
  type TaskName,
  type TaskResult,
  type UntypedHandlers,
  dueTime,
  offeredChannelName,
  rareOptions,
  sendChannel,
  validateTransfer,
} from '../protocol';
import type { ChannelPayloadSender } from '../transport';
import { canReadChannels, debug, isDebugging, workerThreads, reserveStack } from '../platform';
import {
  TaskManagerClosedError,
  inspectAs,
  throwIfAborted,
  validateNames,
  validateOptions,
  validateSignal,
  validateString,
  validateTimeout,
} from '../util';
import type { Connection } from './connection';
import type { PendingCalls } from './pending-calls';
import type { ManagerParts } from './rehearsal';
import type { SendQueue } from './send-queue';
import type * as sendingParts from './sending';
import { CallTimeout, NO_TIMEOUT } from './timeout';

/** Options of `TaskManager.connect()`. */
export interface ConnectOptions {
  /**
   * What `schedule()` does when the queue is full: it blocks until there is room, or throws `ERR_QUEUE_FULL`.
   * @default the manager's `onFull`; where it has none, a worker blocks, the main thread throws
   */
  onFull?: 'block' | 'throw' | undefined;
}

/** Options of `callSync()`. */
export interface CallSyncOptions {
  /**
   * Milliseconds after which the call ends with `ERR_CALL_TIMEOUT`.
   * @default Infinity
   */
  timeout?: number | undefined;
  /**
   * Of the tasks and calls of this connection that wait in its queue, the one with the lower number runs first. An
   * integer from -1000000 to 1000000.
   * @default 0
   */
  priority?: number | undefined;
  /**
   * A task or a call with the same key that has not begun is replaced by this one: a call rejects with
   * `ERR_TASK_CANCELLED` then.
   */
  key?: string | undefined;
  /** ArrayBuffers in the payload that are transferred: they are empty in this thread afterwards. */
  transfer?: ArrayBuffer[] | undefined;
}

/** The names of the options of `callSync()`. */
const CALL_SYNC_OPTIONS = ['timeout', 'priority', 'key', 'transfer'];

/** The names of the options of `call()`. */
const CALL_OPTIONS = [...CALL_SYNC_OPTIONS, 'signal'];

/** Returns the options of a call that do not fit into its record, if there are any. */
function rareCallOptions(options: CallSyncOptions | undefined): RemoteOptions | undefined {
  const { priority, key } = options ?? {};
  return priority === undefined && key === undefined ? undefined : rareOptions({ priority, key });
}

/** Options of `call()`. */
export interface CallOptions extends CallSyncOptions {
  /** Ends the call: rejects the promise with the signal's reason, and cancels a task that has not begun. */
  signal?: AbortSignal | undefined;
}

/** A task that was scheduled from another thread. */
export interface ScheduledTask {
  /** Its number among the tasks of this connection. */
  readonly id: number;
  /** Keeps the task from becoming due until it is resumed. A task that has begun continues. */
  suspend(): void;
  /**
   * Undoes `suspend()`. The task is due at its time, or immediately when that has passed; a recurring task is due at
   * its next time.
   */
  resume(): void;
  /**
   * Cancels the task, and resolves with its state. `'cancelled'`: it will not run, or not again. `'running'`: it had
   * begun, and its promise is pending. `'done'`: it is over, or was replaced by another task with its key.
   */
  cancel(): Promise<CancelOutcome>;
}

/** Returns options with what a subscriber sends along, if anything. */
function withCarrier(name: string, rare: RemoteOptions | undefined): RemoteOptions | undefined {
  const carrier = announceSend(name);
  return carrier === undefined ? rare : { ...rare, carrier };
}

/** The key of what a {@link ScheduledTask} calls. It is a symbol because a subclass may use any name. */
const control: unique symbol = Symbol('control');

/** Closes the channel of a connection that was dropped without `close()`. */
const dropped = new FinalizationRegistry<ChannelPayloadSender>((channel) => channel.close());

/** Loads what a connection consists of. */
const sending = (): typeof sendingParts => require('./sending') as typeof sendingParts;

/** How many producers this copy of the package has made in this thread. */
let producers = 0;

/**
 * Another thread's task manager. This object belongs to the thread that made it with `TaskManager.connect()`.
 *
 * `Handlers` is an interface of the manager's handlers: names, payloads and results are checked. A `callSync()` or a
 * `call()` of a name has the type of its result.
 */
export class RemoteTaskManager<Handlers = UntypedHandlers> {
  readonly #connection: Connection;
  readonly #sendQueue: SendQueue;
  readonly #calls: PendingCalls;

  /** @internal `parts` are those of a rehearsal. */
  constructor(handle: TaskManagerHandle<Handlers>, onFull: 'block' | 'throw' | undefined, parts?: ManagerParts) {
    if (parts !== undefined) {
      this.#connection = parts.connection;
      this.#calls = parts.calls;
      this.#sendQueue = parts.sendQueue;
      return;
    }
    const { ChannelPayloadSender, Connection, PendingCalls, SendQueue, ...more } = sending();
    // The manager may end while this waits for an offer, when there is nothing to give back.
    const whole: { onClose?: () => void } = {};
    const connection = new Connection(handle, onFull, () => whole.onClose?.());
    producers += 1;
    const number = producers;
    const { threadId } = workerThreads();
    // Two copies of this file in one thread count alike, so a name has the doorbell's key, which cannot be guessed.
    const channel = connectionChannelName(connection.doorbell.handle.key);
    const offer = connection.seat === undefined ? connection.takeOffer() : undefined;
    const taken = offer === undefined ? undefined : new ChannelPayloadSender(offeredChannelName(offer), channel);
    const { ring, replies } = connection.seat ?? more.obtainRings(handle, taken !== undefined && canReadChannels);
    this.#connection = connection;
    this.#calls = new PendingCalls(connection, replies, channel, () => this.#sendQueue);
    this.#sendQueue = new SendQueue(connection, ring, taken, channel, this.#calls);
    whole.onClose = () => {
      if (connection.seat === undefined) {
        more.keepRings(handle, this.#sendQueue.memory, this.#calls.memory);
      }
      this.#calls.close(new TaskManagerClosedError('connection to the task manager'));
    };
    try {
      const doorbell = connection.doorbell.handle;
      const activity = connection.activity.memory;
      const introduction: Introduction = { ring, replies, doorbell, channel, activity, threadId, number };
      const message: ProducerMessage = { introduction };
      // The message is posted before the word is stored. A thread that ends in between has scheduled nothing.
      if (connection.seat !== undefined) {
        introduceInSeat(connection.seat, introduction);
      } else if (taken === undefined) {
        more.postToChannel(handle.channel, message);
      } else {
        taken.post(message);
        dropped.register(this, taken, taken);
      }
      connection.control.announcePosted();
      // The manager's thread makes the producer meanwhile.
      more.rehearse(
        connection,
        this.#calls,
        (own) => new RemoteTaskManager<UntypedHandlers>(connection.handle, onFull, own),
      );
      if (isDebugging) {
        debug(`connected to the task manager of thread ${handle.threadId}`);
      }
    } catch (error) {
      // Its manager has ended just now.
      connection.close();
      throw error;
    }
  }

  /**
   * Schedules the handler that is defined for `name`, as soon as possible or at a given time. Tasks of one thread that
   * are due as soon as possible run in the order in which they were scheduled.
   *
   * Numbers, strings, bytes and plain objects travel fast. Everything else arrives as structured clone delivers it.
   *
   * When the queue is full, blocks until there is room, or throws `ERR_QUEUE_FULL`. The `onFull` of `connect()`
   * decides, then that of the manager. Where neither was given, a worker blocks, and the main thread throws. A thread
   * that blocks for a thread that blocks for it gets `ERR_WOULD_DEADLOCK`, where that can be told.
   *
   * Throws `ERR_TASK_MANAGER_CLOSED` when the manager is closed or its thread has ended, a DataCloneError for a payload
   * that cannot be cloned, and the reason of a signal that is aborted. Then nothing is scheduled.
   */
  schedule<Name extends TaskName<Handlers>>(
    name: Name,
    ...rest: TaskArguments<Handlers, Name, ScheduleOptions>
  ): ScheduledTask;
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): ScheduledTask {
    if (options?.signal !== undefined) {
      return this.#scheduleUntil(options.signal, name, payload, options);
    }
    const id =
      options === undefined && !sendChannel.hasSubscribers
        ? this.#sendQueue.send(RECORD_NOW, name, payload, IMMEDIATELY, undefined, undefined, NO_TIMEOUT)
        : this.#scheduleWith(name, payload, options);
    return new RemoteTask(id, this);
  }

  /**
   * Schedules a handler as soon as possible, and resolves with what it returns, or what its promise resolves with.
   *
   * Never blocks: when the queue is full, the call waits for room in its promise. With an `onFull` of `'throw'` it
   * rejects with `ERR_QUEUE_FULL` instead.
   *
   * Rejects with what the handler throws (an error of its class, with its properties), with `ERR_UNKNOWN_TASK`, with
   * `ERR_TASK_CANCELLED` when another task takes its `key` before it has begun, with `ERR_CALL_TIMEOUT`, with the
   * signal's reason, with `ERR_TASK_MANAGER_CLOSED` when the manager closes or its thread ends, and with what
   * `schedule()` throws. A reply that arrives too late is dropped.
   */
  call<Name extends TaskName<Handlers>>(
    name: Name,
    ...rest: TaskArguments<Handlers, Name, CallOptions>
  ): Promise<TaskResult<Handlers, Name>>;
  call(name: string, payload?: unknown, options?: CallOptions): Promise<unknown> {
    try {
      reserveStack();
      validateOptions(options);
      validateNames('options', options, CALL_OPTIONS);
      validateSignal(options?.signal);
      const milliseconds = validateTimeout(options?.timeout, 'options.timeout');
      const rare = rareCallOptions(options);
      const transfer = validateTransfer(options?.transfer);
      throwIfAborted(options?.signal);
      const timeout = new CallTimeout(name, milliseconds);
      this.#connection.beginSend();
      this.#calls.listen();
      const id = this.#sendQueue.sendLater(name, payload, withCarrier(name, rare), transfer);
      return this.#calls.waitForCall(id, timeout, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Does the same as `call()`, and blocks this thread for the result. A worker that blocks here can be terminated.
   *
   * This thread runs nothing meanwhile. When the handler blocks for this thread, both get `ERR_WOULD_DEADLOCK`. A
   * circle of three threads or more is not found: there a `timeout` helps.
   *
   * Throws what `call()` rejects with, and `ERR_WOULD_DEADLOCK` in the manager's own thread.
   */
  callSync<Name extends TaskName<Handlers>>(
    name: Name,
    ...rest: TaskArguments<Handlers, Name, CallSyncOptions>
  ): TaskResult<Handlers, Name>;
  callSync(name: string, payload?: unknown, options?: CallSyncOptions): unknown {
    reserveStack();
    validateOptions(options);
    validateNames('options', options, CALL_SYNC_OPTIONS);
    const milliseconds = validateTimeout(options?.timeout, 'options.timeout');
    const rare = rareCallOptions(options);
    const transfer = validateTransfer(options?.transfer);
    this.#connection.beginSend();
    this.#connection.throwIfOwnThread();
    this.#calls.listen();
    const timeout = new CallTimeout(name, milliseconds);
    const sent = withCarrier(name, rare);
    const id = this.#sendQueue.send(RECORD_CALL, name, payload, IMMEDIATELY, sent, transfer, timeout);
    return this.#calls.wait(id, timeout);
  }

  /**
   * Cancels the task or the call with this key that has not begun, whichever thread has scheduled it. Resolves with
   * whether there was one. A recurring task does not run again; a run whose promise is pending goes on.
   *
   * Never blocks in the main thread; a worker may block for room in the queue. Rejects with `ERR_INVALID_ARG_TYPE` when
   * `key` is no string, and with `ERR_TASK_MANAGER_CLOSED` when the manager or the connection is closed.
   *
   * @example
   * remote.schedule('save', draft, { key: 'save', delta: 5000 });
   * const wasWaiting = await remote.cancelKey('save');
   */
  async cancelKey(key: string): Promise<boolean> {
    reserveStack();
    validateString('key', key);
    this.#connection.beginSend();
    this.#calls.listen();
    const replyId = this.#sendQueue.allocateId();
    this.#sendQueue.sendCancelKey(key, replyId);
    return (await this.#calls.waitAsync(replyId, NO_TIMEOUT, undefined)) === 1;
  }

  /**
   * Returns the manager's time, in milliseconds since the epoch, with fractions: the wall clock's, or a time machine's.
   */
  getTime(): number {
    return this.#connection.activity.time();
  }

  /**
   * How many tasks and calls of this connection the manager has not taken out of the queue, with those that wait for
   * room.
   */
  get pending(): number {
    return this.#connection.isOver ? 0 : this.#sendQueue.pending;
  }

  /** Whether the connection was closed, or the manager is closed or gone. */
  get closed(): boolean {
    return this.#connection.isOver;
  }

  /**
   * Resolves with the manager's counts, as they are when it has read all that this connection sent before. What is
   * measured stays with `manager.stats()`. Never blocks. Rejects with `ERR_TASK_MANAGER_CLOSED` when the connection or
   * the manager is closed before that.
   *
   * @example
   * const { run, pending } = await remote.stats();
   * console.log(`${run} tasks have run, ${pending} wait for their time`);
   */
  stats(): Promise<TaskManagerCounts> {
    return this[control](0, CONTROL_COUNT) as Promise<TaskManagerCounts>;
  }

  /**
   * Resolves when the manager has taken everything out of the queue that this connection sent before. Never blocks.
   * Rejects with `ERR_TASK_MANAGER_CLOSED` when the connection or the manager is closed before that.
   *
   * @example
   * for (const sample of samples) {
   *   if (remote.pending > 1000) await remote.drained();
   *   remote.schedule('sample', sample);
   * }
   */
  drained(): Promise<void> {
    try {
      reserveStack();
      this.#connection.beginSend();
      return this.#sendQueue.drained();
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Ends the connection. Tasks that were scheduled before still run; calls that are pending are rejected. What waits
   * for room in a full queue is dropped, `suspend()` and `resume()` among it: `await drained()` first to have it sent.
   */
  close(): void {
    reserveStack();
    this.#connection.close();
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Shows the state in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({ pending: this.pending, closed: this.closed }));
  }

  /** Performs an operation on a task, and resolves with the manager's answer. @internal */
  [control](id: number, operation: number, reason?: unknown): Promise<unknown> {
    try {
      reserveStack();
      this.#connection.beginSend();
      this.#calls.listen();
      const replyId = this.#sendQueue.allocateId();
      this.#sendQueue.sendControl(operation, id, replyId, reason);
      return this.#calls.waitAsync(replyId, NO_TIMEOUT, undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Schedules a task that a signal cancels. Listens to the signal until the manager says that the task is over. */
  #scheduleUntil(signal: AbortSignal, name: string, payload: unknown, options: ScheduleOptions): ScheduledTask {
    validateSignal(signal);
    throwIfAborted(signal);
    this.#connection.beginSend();
    this.#calls.listen();
    let id: number | undefined;
    const onAbort = (): void => {
      if (id !== undefined) {
        operate(this, id, CONTROL_CANCEL, signal.reason);
      }
    };
    const end = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      id = this.#calls.sendTracked(() => this.#scheduleWith(name, payload, options), end);
    } catch (error) {
      end();
      throw error;
    }
    return new RemoteTask(id, this);
  }

  #scheduleWith(name: string, payload: unknown, options: ScheduleOptions = {}): number {
    reserveStack();
    this.#connection.beginSend();
    const due = dueTime(options, this.#connection.activity);
    const rare = withCarrier(name, rareOptions(options));
    return this.#sendQueue.send(RECORD_NOW, name, payload, due, rare, validateTransfer(options.transfer), NO_TIMEOUT);
  }
}

/** The answers to `cancel()`: an answer stays true. Few tasks are cancelled, so the others have no field for it. */
const cancellations = new WeakMap<RemoteTask, Promise<CancelOutcome>>();

/**
 * A task that was sent. Each `schedule()` makes one, so it is small: 40 bytes, where a private method or one more field
 * would make it 56. V8 leaves it out where the caller does not use it and all of this is compiled as one function.
 */
class RemoteTask implements ScheduledTask {
  declare readonly id: number;
  readonly #manager: RemoteTaskManager;

  constructor(id: number, manager: RemoteTaskManager) {
    this.id = id;
    this.#manager = manager;
  }

  suspend(): void {
    operate(this.#manager, this.id, CONTROL_SUSPEND);
  }

  resume(): void {
    operate(this.#manager, this.id, CONTROL_RESUME);
  }

  cancel(): Promise<CancelOutcome> {
    const cancellation =
      cancellations.get(this) ??
      this.#manager[control](this.id, CONTROL_CANCEL).then((answer) => {
        const outcome = CANCEL_OUTCOMES[answer as number] as CancelOutcome;
        if (outcome === 'running') {
          // It will be done.
          cancellations.delete(this);
        }
        return outcome;
      });
    cancellations.set(this, cancellation);
    return cancellation;
  }
}

/** Sends an operation whose answer is not awaited. */
function operate(manager: RemoteTaskManager, id: number, operation: number, reason?: unknown): void {
  // A manager that is gone has no task to hold up.
  manager[control](id, operation, reason).catch(() => {});
}
