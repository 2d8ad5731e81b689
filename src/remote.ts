/** The producer's end of a task manager: in whatever thread. */

import { threadId } from 'node:worker_threads';

import { monotonicNow } from './clock';
import {
  CallTimeoutError,
  EventClosedError,
  InvalidArgTypeError,
  QueueFullError,
  TaskManagerClosedError,
  WouldDeadlockError,
} from './errors';
import { putTogether, type TransferredError } from './error-transfer';
import { WaitableEvent } from './event';
import { Mail, Post } from './mail';
import { CLOSED } from './native';
import { type EncodedPayload, PAYLOAD_NONE, PAYLOAD_STRING, encodePayload } from './payload';
import * as reactor from './reactor';
import { RingProducer, makeRingMemory } from './ring';
import {
  ARMED_UNTIL,
  ASLEEP,
  CANCEL_OUTCOMES,
  CONTROL_ABANDON,
  CONTROL_CANCEL,
  CONTROL_RESUME,
  CONTROL_SUSPEND,
  type CancelOutcome,
  OWNER_STATE,
  POSTED,
  RECORD_AT,
  RECORD_CALL,
  RECORD_CONTROL,
  RECORD_MASK,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_OPTIONS,
  RECORD_PIECE,
  REPLY_ERROR,
  RING_BYTES,
  RUNG_AT,
  type RemoteOptions,
  type TaskManagerHandle,
} from './task-protocol';
import {
  validateFinite,
  validateInteger,
  validateMilliseconds,
  validateOptions,
  validatePositive,
  validateSignal,
  validateString,
  validateTimeout,
} from './validate';

/** Options of `schedule()`. */
export interface ScheduleOptions {
  /** When the task is due, on the wall clock: milliseconds since the epoch, or a Date. Wins over `delta`. */
  when?: number | Date;
  /** How many milliseconds from now the task is due, fractions allowed. */
  delta?: number;
  /** Makes the task recurring: milliseconds from one run to the next, on the grid of the epoch plus `offset`. */
  interval?: number;
  /**
   * How far the grid of a recurring task is shifted from the epoch.
   * @default 0
   */
  offset?: number;
  /**
   * Of tasks that are due at the same time, the one with the lower number runs first: an integer from -1000000 to 1000000.
   * @default 0
   */
  priority?: number;
  /** A task with the same key that has not begun is replaced by this one. */
  key?: string;
  /** ArrayBuffers in the payload that are moved: they are empty here afterwards. */
  transfer?: ArrayBuffer[];
}

/** Options of `callSync()`. */
export interface CallSyncOptions {
  /**
   * Milliseconds after which nobody waits for the result any more.
   * @default Infinity
   */
  timeout?: number;
  /** ArrayBuffers in the payload that are moved: they are empty here afterwards. */
  transfer?: ArrayBuffer[];
}

/** Options of `call()`. */
export interface CallOptions extends CallSyncOptions {
  /** Ends the call: the promise is rejected with the signal's reason, and a task that has not begun is cancelled. */
  signal?: AbortSignal;
}

/** A task that was scheduled from another thread. */
export interface ScheduledTask {
  /** Its number among the tasks of this connection. */
  readonly id: number;
  /** Keeps the task from becoming due, until it is resumed. One that has begun is not held up. */
  suspend(): void;
  /** Undoes `suspend()`: the task is due at its time, or at once when that has passed, a recurring one at its next time. */
  resume(): void;
  /**
   * Takes the task out. Tells what became of it: `'cancelled'`, it will not run, or not again; `'running'`, it had begun, and
   * its promise is pending; `'done'`, it is over.
   */
  cancel(): Promise<CancelOutcome>;
}

/** Somebody who waits for a reply. */
interface Call {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** How long somebody waits for room in the queue, and for a result. */
interface Patience {
  /** On the monotonic clock. */
  readonly deadline: number;
  /** The error for when that has passed. */
  giveUp(): Error;
}

const NONE: Patience = { deadline: Number.NEGATIVE_INFINITY, giveUp: () => new QueueFullError() };
const FOREVER: Patience = { deadline: Infinity, giveUp: () => new QueueFullError() };

class CallPatience implements Patience {
  readonly deadline: number;
  readonly #name: string;
  readonly #timeout: number;

  constructor(name: string, timeout: number) {
    this.deadline = monotonicNow() + timeout;
    this.#name = name;
    this.#timeout = timeout;
  }

  giveUp(): Error {
    return new CallTimeoutError(this.#name, this.#timeout);
  }
}

const PRIORITY_LIMIT = 1_000_000;

/** How many producers of this thread there have been: part of the names of their channels. */
let producers = 0;

/**
 * A task manager, seen from another thread. It belongs to the thread that made it with `TaskManager.connect()`.
 */
export class RemoteTaskManager {
  readonly #handle: TaskManagerHandle;
  readonly #trigger: WaitableEvent;
  readonly #bell: WaitableEvent;
  readonly #state: Int32Array;
  readonly #times: Float64Array;
  readonly #triggerState: Int32Array;
  readonly #ring: RingProducer;
  readonly #mail: Mail;
  readonly #channel: string;
  #post: Post | undefined;
  readonly #payloads = new Map<number, unknown>();
  readonly #names = new Map<string, number>();
  readonly #encoded: EncodedPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined };
  readonly #calls = new Map<number, Call>();
  /** Calls that nobody waits for any more, of which the manager was not told yet. */
  #abandoned: number[] = [];
  readonly #sendByChannel = (payload: unknown): number => this.#sendPayload(payload);
  #nextId = 1;
  #tickets = 0;
  #isPumping = false;
  #closed = false;

  /** @internal */
  constructor(handle: TaskManagerHandle) {
    this.#handle = handle;
    this.#trigger = WaitableEvent.open(handle.trigger);
    this.#bell = new WaitableEvent();
    this.#bell.closeWithThread();
    this.#bell.closeWith(this.#trigger);
    this.#state = new Int32Array(handle.control);
    this.#times = new Float64Array(handle.control);
    this.#triggerState = new Int32Array(handle.trigger.state);
    const ring = makeRingMemory(handle.capacity, RING_BYTES);
    const replies = makeRingMemory(handle.capacity, RING_BYTES);
    this.#ring = new RingProducer(ring);
    this.#mail = new Mail(replies, (ticket) => this.#redeem(ticket));
    producers += 1;
    this.#channel = `${handle.channel}.${threadId}.${producers}`;
    const bell = this.#bell.handle;
    // First the message, then the word; a thread that ends in between has scheduled nothing.
    Post.send(handle.channel, { introduction: { ring, replies, bell, channel: this.#channel } });
    Atomics.store(this.#state, POSTED, 1);
    this.#wake(Number.NEGATIVE_INFINITY);
  }

  /**
   * Has the manager run the handler that is defined for `name`, as soon as possible or at a given time. Tasks of one thread that are due
   * as soon as possible run in the order in which they were scheduled.
   *
   * Numbers, strings, bytes and plain objects are carried fast; everything else arrives as structured clone delivers it.
   *
   * When the queue is full it blocks until there is room, or throws `ERR_QUEUE_FULL`, as the manager's `onFull` says.
   * Throws `ERR_TASK_MANAGER_CLOSED` when the manager is closed or its thread has ended, and a DataCloneError for a payload
   * that cannot be cloned. Nothing is scheduled then.
   */
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): ScheduledTask {
    const id = this.#send(RECORD_NOW, name, payload, options, FOREVER);
    return new RemoteTask(id, this);
  }

  /**
   * Has the manager run a handler as soon as possible, and resolves with what it returns, or what its promise resolves with.
   *
   * Rejects with what the handler throws (message, name, stack, code and cause arrive), with `ERR_UNKNOWN_TASK`, with
   * `ERR_CALL_TIMEOUT`, with the signal's reason, with `ERR_TASK_MANAGER_CLOSED` when the manager closes or its thread ends, and
   * with what `schedule()` throws. An answer that comes too late is dropped.
   */
  call(name: string, payload?: unknown, options?: CallOptions): Promise<unknown> {
    try {
      validateOptions(options);
      validateSignal(options?.signal);
      const timeout = validateTimeout(options?.timeout);
      options?.signal?.throwIfAborted();
      const patience = new CallPatience(name, timeout);
      this.#refuseClosed();
      this.#listen();
      const id = this.#send(RECORD_CALL, name, payload, pickTransfer(options), patience);
      return this.#await(id, patience, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * `call()` that blocks this thread for the result. A worker that blocks here can be terminated.
   *
   * Throws what `call()` rejects with, and `ERR_WOULD_DEADLOCK` in the manager's own thread.
   */
  callSync(name: string, payload?: unknown, options?: CallSyncOptions): unknown {
    validateOptions(options);
    const timeout = validateTimeout(options?.timeout);
    this.#refuseOwnThread();
    const patience = new CallPatience(name, timeout);
    const id = this.#send(RECORD_CALL, name, payload, pickTransfer(options), patience);
    let outcome: { result: unknown } | { error: unknown } | undefined;
    const take = (): typeof outcome => outcome;
    this.#calls.set(id, {
      resolve: (result) => (outcome = { result }),
      reject: (error) => (outcome = { error }),
    });
    try {
      for (;;) {
        this.#takeReplies();
        const taken = take();
        if (taken !== undefined) {
          if ('error' in taken) {
            throw taken.error;
          }
          return taken.result;
        }
        const remaining = patience.deadline - monotonicNow();
        if (remaining <= 0) {
          this.#abandon(id);
          throw patience.giveUp();
        }
        this.#bell.wait(remaining);
        this.#bell.clear();
      }
    } catch (error) {
      throw this.#closedBy(error);
    } finally {
      this.#calls.delete(id);
    }
  }

  /** Ends the connection. What was scheduled before still runs; calls that are pending are rejected. */
  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#post?.close();
      // The bell tells the manager; the trigger is the manager's: let go of, not closed.
      this.#bell.close();
      this.#trigger.release();
      this.#rejectAll(new TaskManagerClosedError('connection to the task manager'));
    }
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Has the manager do something with a task. @internal */
  control(id: number, operation: number): Promise<unknown> {
    try {
      this.#refuseClosed();
      const answer = this.#takeId();
      this.#push(RECORD_CONTROL, answer, operation, 0, id, undefined, FOREVER);
      this.#wake(Number.NEGATIVE_INFINITY);
      return this.#await(answer, FOREVER, undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends a task. Returns its id. */
  #send(
    flags: number,
    name: string,
    payload: unknown,
    options: ScheduleOptions | undefined,
    askedFor: Patience,
  ): number {
    const patience = this.#handle.onFull === 'block' ? askedFor : NONE;
    this.#refuseClosed();
    validateString('name', name);
    const due = options === undefined ? Number.NEGATIVE_INFINITY : dueTime(options);
    const rarer = options === undefined ? undefined : rareOptions(options);
    const content = options?.transfer === undefined ? payload : move(payload, options.transfer);
    const encoded = this.#encoded;
    encodePayload(content, encoded, this.#sendByChannel);
    const { kind, value, data } = encoded;
    const number = this.#numberOf(name, patience);
    // What is begun is finished: once a part is in the queue, the rest waits for room in any case.
    let hasBegun = false;
    if (rarer !== undefined) {
      encodePayload(rarer, encoded, this.#sendByChannel);
      this.#refuseFull(patience, 1, data, encoded.data);
      this.#push(RECORD_OPTIONS | encoded.kind, 0, 0, 0, 0, encoded.data, patience);
      hasBegun = true;
    } else if (data !== undefined && data.length > this.#ring.largest) {
      this.#refuseFull(patience, 0, data, undefined);
    }
    const last = this.#pushPieces(data, hasBegun ? FOREVER : patience);
    hasBegun ||= last !== data;
    const id = this.#takeId();
    const record = due === Number.NEGATIVE_INFINITY ? RECORD_NOW : RECORD_AT;
    this.#push(record | flags | kind, number, value, due, id, last, hasBegun ? FOREVER : patience);
    this.#wake(due);
    return id;
  }

  /** For a task of several records, when nobody is to wait: refuses it before the first one. */
  #refuseFull(patience: Patience, more: number, data: Uint8Array | undefined, options: Uint8Array | undefined): void {
    const size = data === undefined ? 0 : data.length;
    const records = more + Math.max(1, Math.ceil(size / this.#ring.largest));
    if (patience === NONE && !this.#ring.hasRoom(records, size + (options === undefined ? 0 : options.length))) {
      this.#wake(Number.NEGATIVE_INFINITY);
      throw NONE.giveUp();
    }
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === 0x7fff_ffff ? 1 : id + 1;
    return id;
  }

  #numberOf(name: string, patience: Patience): number {
    let number = this.#names.get(name);
    if (number === undefined) {
      number = this.#names.size;
      this.#push(RECORD_NAME | PAYLOAD_STRING, number, 0, 0, 0, Buffer.from(name), patience);
      this.#names.set(name, number);
    }
    return number;
  }

  /** Sends all of a long payload but its last piece, which is returned. */
  #pushPieces(data: Uint8Array | undefined, patience: Patience): Uint8Array | undefined {
    let rest = data;
    while (rest !== undefined && rest.length > this.#ring.largest) {
      const piece = rest.subarray(0, this.#ring.largest);
      this.#push(RECORD_PIECE, 0, 0, 0, 0, piece, rest === data ? patience : FOREVER);
      this.#wake(Number.NEGATIVE_INFINITY);
      rest = rest.subarray(this.#ring.largest);
    }
    return rest;
  }

  #push(
    kind: number,
    name: number,
    value: number,
    time: number,
    id: number,
    data: Uint8Array | undefined,
    patience: Patience,
  ): void {
    if (this.#ring.push(kind, name, value, time, id, data)) {
      return;
    }
    this.#wake(Number.NEGATIVE_INFINITY);
    if (patience === NONE) {
      throw patience.giveUp();
    }
    this.#refuseOwnThread();
    try {
      for (;;) {
        // First say that we wait, then look again: the manager makes room first and looks for us afterwards.
        this.#ring.setWaiting(true);
        if (this.#ring.push(kind, name, value, time, id, data)) {
          return;
        }
        const remaining = patience.deadline - monotonicNow();
        if (remaining <= 0) {
          throw patience.giveUp();
        }
        this.#wake(Number.NEGATIVE_INFINITY);
        this.#bell.wait(remaining);
        this.#bell.clear();
        this.#takeReplies();
      }
    } catch (error) {
      throw this.#closedBy(error);
    } finally {
      this.#ring.setWaiting(false);
    }
  }

  #sendPayload(payload: unknown): number {
    this.#tickets += 1;
    Post.send(this.#handle.channel, { from: this.#channel, ticket: this.#tickets, payload });
    return this.#tickets;
  }

  /** Resolves with the reply to `id`. */
  #await(id: number, patience: Patience, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        end();
        reject(reason);
        this.#abandon(id);
      };
      const deadline = {
        at: patience.deadline,
        heapIndex: -1,
        onDeadline: () => giveUp(patience.giveUp()),
      };
      const onAbort = (): void => giveUp(signal?.reason);
      const end = (): void => {
        this.#calls.delete(id);
        reactor.removeDeadline(deadline);
        signal?.removeEventListener('abort', onAbort);
        reactor.release();
      };
      this.#calls.set(id, {
        resolve: (result) => {
          end();
          resolve(result);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      reactor.hold();
      if (patience.deadline !== Infinity) {
        reactor.addDeadline(deadline);
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      void this.#pump();
    });
  }

  /** Takes replies in Node's event loop for as long as somebody waits for one. */
  async #pump(): Promise<void> {
    if (this.#isPumping) {
      return;
    }
    this.#isPumping = true;
    try {
      while (this.#calls.size > 0 || this.#abandoned.length > 0) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is what a pump does
        await this.#bell.waitAsync(Infinity, { ref: false });
        this.#bell.clear();
        this.#takeReplies();
      }
    } catch (error) {
      this.#rejectAll(this.#closedBy(error));
    } finally {
      this.#isPumping = false;
    }
  }

  #takeReplies(): void {
    const mail = this.#mail;
    let taken = 0;
    for (let count = mail.available; count > 0; count -= 1) {
      taken += 1;
      if (mail.next()) {
        const { kind, id } = mail.record;
        const call = this.#calls.get(id);
        const payload = mail.payload();
        if ((kind & RECORD_MASK) === REPLY_ERROR) {
          call?.reject(putTogether(payload as TransferredError));
        } else {
          // Nobody has it: it comes too late.
          call?.resolve(payload);
        }
      }
    }
    if (taken > 0 && mail.publish()) {
      this.#wake(Number.NEGATIVE_INFINITY);
    }
    this.#tellAbandoned();
  }

  /** Tells the manager that nobody waits for a call any more: now, or when there is room. Never blocks and never throws. */
  #abandon(id: number): void {
    this.#calls.delete(id);
    this.#abandoned.push(id);
    try {
      this.#tellAbandoned();
    } catch {
      // A manager that is gone need not know.
    }
  }

  #tellAbandoned(): void {
    if (this.#abandoned.length === 0 || this.#closed) {
      return;
    }
    for (let id = this.#abandoned[0]; id !== undefined; id = this.#abandoned[0]) {
      // First say that we wait, then look: as in #push.
      this.#ring.setWaiting(true);
      if (!this.#ring.push(RECORD_CONTROL, 0, CONTROL_ABANDON, 0, id, undefined)) {
        this.#wake(Number.NEGATIVE_INFINITY);
        void this.#pump();
        return;
      }
      this.#abandoned.shift();
    }
    this.#ring.setWaiting(false);
    this.#wake(Number.NEGATIVE_INFINITY);
  }

  /** Opens the channel for results that only a channel carries, before the first one may come. */
  #listen(): void {
    this.#post ??= new Post(this.#channel, (message) => {
      if ('ticket' in message) {
        this.#payloads.set(message.ticket, message.payload);
      }
    });
  }

  #redeem(ticket: number): unknown {
    while (!this.#payloads.has(ticket) && this.#post?.fetch() === true) {
      // Each message puts itself away.
    }
    const payload = this.#payloads.get(ticket);
    this.#payloads.delete(ticket);
    return payload;
  }

  #rejectAll(error: unknown): void {
    Array.from(this.#calls.values()).forEach((call) => call.reject(error));
  }

  #refuseClosed(): void {
    if (this.#closed) {
      throw new TaskManagerClosedError('connection to the task manager');
    }
    // Whoever is awake need not be rung, so this is where a manager that is gone is noticed.
    if ((Atomics.load(this.#triggerState, 0) & CLOSED) !== 0) {
      throw this.#closedBy(new EventClosedError());
    }
  }

  #refuseOwnThread(): void {
    if (this.#handle.threadId === threadId) {
      throw new WouldDeadlockError();
    }
    this.#listen();
  }

  /** The error for a manager that is gone: its events are closed then. */
  #closedBy(error: unknown): unknown {
    if (error instanceof EventClosedError) {
      this.close();
      return new TaskManagerClosedError();
    }
    return error;
  }

  /** Wakes the owner for something that is due at a time, if it sleeps longer than that. */
  #wake(due: number): void {
    if (Atomics.load(this.#state, OWNER_STATE) === ASLEEP && !(due >= (this.#times[ARMED_UNTIL] as number))) {
      if (this.#times[RUNG_AT] === 0) {
        this.#times[RUNG_AT] = monotonicNow();
      }
      try {
        this.#trigger.set();
      } catch (error) {
        throw this.#closedBy(error);
      }
    }
  }
}

class RemoteTask implements ScheduledTask {
  readonly id: number;
  readonly #manager: RemoteTaskManager;

  constructor(id: number, manager: RemoteTaskManager) {
    this.id = id;
    this.#manager = manager;
  }

  suspend(): void {
    this.#control(CONTROL_SUSPEND);
  }

  resume(): void {
    this.#control(CONTROL_RESUME);
  }

  async cancel(): Promise<CancelOutcome> {
    return CANCEL_OUTCOMES[(await this.#manager.control(this.id, CONTROL_CANCEL)) as number] as CancelOutcome;
  }

  #control(operation: number): void {
    // A manager that is gone has no task to hold up.
    this.#manager.control(this.id, operation).catch(() => {});
  }
}

/** When a task is due, on the monotonic clock: negative infinity for as soon as possible, and for one on the wall clock. */
function dueTime(options: ScheduleOptions): number {
  validateOptions(options);
  if (options.when !== undefined || options.interval !== undefined || options.delta === undefined) {
    return Number.NEGATIVE_INFINITY;
  }
  return monotonicNow() + Math.max(0, validateMilliseconds('options.delta', options.delta));
}

/** The options that do not fit into a record. @internal */
export function rareOptions(options: ScheduleOptions): RemoteOptions | undefined {
  const { when, interval, offset, priority, key } = options;
  const rarer: { -readonly [K in keyof RemoteOptions]: RemoteOptions[K] } = {};
  if (when !== undefined) {
    rarer.when = validateMilliseconds('options.when', when instanceof Date ? when.getTime() : when);
  }
  if (interval !== undefined) {
    rarer.interval = validatePositive('options.interval', interval);
    rarer.offset = offset === undefined ? 0 : validateFinite('options.offset', offset);
  }
  if (priority !== undefined) {
    rarer.priority = validateInteger('options.priority', priority, -PRIORITY_LIMIT, PRIORITY_LIMIT);
  }
  if (key !== undefined) {
    rarer.key = validateString('options.key', key);
  }
  return Object.keys(rarer).length === 0 ? undefined : rarer;
}

/** The payload with its ArrayBuffers moved into it. */
function move(payload: unknown, transfer: ArrayBuffer[]): unknown {
  if (!Array.isArray(transfer)) {
    throw new InvalidArgTypeError('options.transfer', 'a list of ArrayBuffers', transfer);
  }
  return structuredClone(payload, { transfer });
}

function pickTransfer(options: CallSyncOptions | undefined): ScheduleOptions | undefined {
  return options?.transfer === undefined ? undefined : { transfer: options.transfer };
}
