/** The event: a level that threads set, clear and wait for. */

import { type InspectOptions, inspect, types } from 'node:util';

import {
  CLOSED,
  NO_SLOT,
  SET,
  STATUS_INVALID_HANDLE,
  check,
  fast,
  markAsUncloneable,
  native,
  toError,
  reserveStack,
} from '../platform';
import {
  EventClosedError,
  InvalidArgTypeError,
  InvalidHandleError,
  inspectAs,
  throwIfAborted,
  validateBoolean,
  validateInteger,
  validateNames,
  validateOptions,
  validateSignal,
  validateTimeout,
} from '../util';
import { AsyncWaits } from './async-waits';
import { Dispatcher, type Loop, activity, privateFileno } from '../dispatcher';

/** Identifies an event to other threads. Structured-cloneable: pass it through `workerData` or `postMessage()`. */
export interface EventHandle {
  /** The unguessable number of the event. Valid for as long as at least one thread holds the event. */
  readonly key: number;
  /** The memory of the event's state word. */
  readonly state: SharedArrayBuffer;
}

/** Options of `new WaitableEvent()`. */
export interface WaitableEventOptions {
  /**
   * Whether the event is set from the start.
   * @default false
   */
  set?: boolean | undefined;
  /**
   * A loop that the event joins immediately. The loop then calls `handleRead()` in every pass in which the event is
   * set. Default: `null`, which joins none.
   */
  loop?: Loop | null | undefined;
}

/** Options of `waitAsync()` and `values()`. */
export interface WaitAsyncOptions {
  /** Ends the wait, or the iteration, with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * Whether the wait, or each wait of the iteration, keeps the process alive.
   * @default true
   */
  ref?: boolean | undefined;
}

/** Keys of the members that only this package may call. They are symbols because a subclass may use any name. */
export const slot: unique symbol = Symbol.for('waitable-event.slot');
export const release: unique symbol = Symbol('release');
export const closeWith: unique symbol = Symbol('closeWith');
export const closeWithThread: unique symbol = Symbol('closeWithThread');

/** Marks the options that `open()` passes to the constructor: the event exists already. */
const opening = Symbol('opening');

/** The key of a number that no other event of this thread has. */
const identity: unique symbol = Symbol('identity');
let nextIdentity = 1;

/** Releases what an event holds in this thread when the event was dropped without `close()`. */
const dropped = new FinalizationRegistry<number>((number) => native.releaseEvent(number));

/**
 * Wakes threads: any thread can set the event, and any thread can wait for it. A wait blocks the thread, returns a
 * promise, or happens in a run loop.
 *
 * Follows BACpypes' `event.WaitableEvent`: the methods of Python's `threading.Event`, and those of an asyncore channel,
 * over a pipe. The pipe's read side shows the state to every process that has the descriptor alone. The event is a
 * level, not a count. Setting it twice is setting it once, and waiting does not clear it.
 *
 * Every method is thread-safe: each thread that has the event open may call it. Only `wait()` blocks. What a thread
 * wrote before `set()` is visible to the thread whose wait returns, and to the thread that clears the event.
 *
 * Once any thread has closed the event, every method but `close()` throws `ERR_EVENT_CLOSED`.
 *
 * @example
 * // main.js
 * const event = new WaitableEvent();
 * new Worker('./worker.js', { workerData: event.handle });
 * await event.waitAsync();
 * // worker.js
 * WaitableEvent.open(workerData).set();
 */
export class WaitableEvent extends Dispatcher {
  #slot: number;
  /** @internal */
  declare [identity]: number;
  readonly #state: Int32Array;
  #handle: EventHandle | undefined;
  #waits: AsyncWaits | undefined;
  /** How often this thread has cleared the event, or read from it. @internal */
  declare [activity]: number;

  /**
   * Makes an event, which is clear unless `options.set` is true. It has two descriptors, and none on Windows until one
   * is asked for.
   *
   * Throws `EMFILE` or `ENFILE` when no descriptors are left; nothing leaks then. Throws `ERR_INVALID_ARG_TYPE` for
   * options of a wrong type.
   */
  constructor(options?: WaitableEventOptions) {
    super();
    this[activity] = 0;
    if (isOpening(options)) {
      this.#state = options[opening];
      this.#slot = options[slot];
    } else {
      validateOptions(options);
      validateBoolean('options.set', options?.set);
      this.#state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
      this.#slot = check(native.createEvent(this.#state), 'pipe2');
    }
    // Visible to a deep comparison, which sees no private fields: two events are equal only if they are one.
    this[identity] = nextIdentity;
    nextIdentity += 1;
    markAsUncloneable(this);
    dropped.register(this, this.#slot, this);
    try {
      if (options?.set === true) {
        this.set();
      }
      if (options?.loop !== undefined && options.loop !== null) {
        this.addChannel(options.loop);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Opens the event that another thread made: returns this thread's object for the same event.
   *
   * Throws `ERR_INVALID_HANDLE` when no live event has this handle. The event was closed, every thread that held it has
   * dropped it, or the handle was made up.
   */
  static open(handle: EventHandle): WaitableEvent {
    const { key, state } = (typeof handle === 'object' && handle) || {};
    if (
      typeof key !== 'number' ||
      !types.isSharedArrayBuffer(state) ||
      state.byteLength < Int32Array.BYTES_PER_ELEMENT
    ) {
      throw new InvalidHandleError('event');
    }
    const memory = new Int32Array(state, 0, 1);
    const options: Opening = { [opening]: memory, [slot]: check(native.openEvent(key, memory), 'open') };
    return new WaitableEvent(options as WaitableEventOptions);
  }

  /**
   * Returns what another thread needs to `open()` this event. The handle does not keep the event alive: a thread must
   * hold the event until it is opened.
   */
  get handle(): EventHandle {
    if (this.#handle === undefined) {
      const key = native.eventKey(this.#slot);
      if (this.closed || key === 0) {
        throw new EventClosedError();
      }
      this.#handle = Object.freeze({ key, state: this.#state.buffer as SharedArrayBuffer });
    } else if (this.closed) {
      throw new EventClosedError();
    }
    return this.#handle;
  }

  /**
   * Sets the event. Every waiter is woken, and later waits return immediately, until the event is cleared.
   *
   * On an event that is set, it costs one atomic operation and no system call. It never blocks, also when the pipe is
   * full.
   */
  set(): void {
    // A read-modify-write, though nothing changes: the thread that clears the event synchronises with it (`state.rs`).
    // Native code makes the change itself, because terminate() cannot end a worker there between the word and the pipe.
    if ((Atomics.or(this.#state, 0, 0) & (SET | CLOSED)) !== SET) {
      const failure = fast.setEvent(this.#slot);
      if (failure !== undefined) {
        throw toError(failure, 'write');
      }
    }
  }

  /**
   * Clears the event. One call clears all preceding `set()` calls and bytes that other processes wrote. Never blocks.
   */
  clear(): void {
    this[activity] += 1;
    const failure = fast.clearEvent(this.#slot);
    if (failure !== undefined) {
      throw toError(failure, 'read');
    }
  }

  /** Returns whether the event is set: exactly `wait(0)`. Sees a byte that another process wrote. */
  isSet(): boolean {
    return (Atomics.or(this.#state, 0, 0) & (SET | CLOSED)) === SET || check(fast.isEventSet(this.#slot), 'poll') === 1;
  }

  /**
   * Blocks this thread until the event is set. Returns true when it was set, and false when the timeout passed first. A
   * `set()` counts even if another thread clears the event before this thread has woken.
   *
   * In a worker, `worker.terminate()` and the main thread's `process.exit()` end the wait immediately. On the main
   * thread nothing else runs during the wait, not even JavaScript's signal handlers.
   *
   * Throws `ERR_EVENT_CLOSED` when a thread closes the event, and `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for
   * a timeout that is no number.
   *
   * @param timeout Milliseconds, fractions allowed. Default: `Infinity`, which waits indefinitely. Zero and negative
   * values poll once. The wait never ends before the timeout, which runs on the monotonic clock.
   * @example
   * if (!event.wait(250)) {
   *   console.log('not set within a quarter of a second');
   * }
   */
  wait(timeout?: number): boolean {
    const milliseconds = validateTimeout(timeout);
    if ((Atomics.or(this.#state, 0, 0) & (SET | CLOSED)) === SET) {
      return true;
    }
    return check(fast.waitEvent(this.#slot, milliseconds), 'ppoll') === 1;
  }

  /**
   * Waits in Node's event loop until the event is set. Resolves with true when it was set, and with false when the
   * timeout passed first. A `set()` counts even if another thread clears the event before the event loop has polled it.
   *
   * Rejects with the signal's reason when the signal aborts, and with `ERR_EVENT_CLOSED` when a thread closes the
   * event. Rejects with `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid arguments; it never throws.
   *
   * @param timeout Milliseconds, fractions allowed. Default: `Infinity`, which waits indefinitely. Zero and negative
   * values poll once. The wait never ends before the timeout, which runs on the monotonic clock.
   * @example
   * const isSet = await event.waitAsync(5000, { signal: controller.signal, ref: false });
   */
  waitAsync(timeout?: number, options?: WaitAsyncOptions): Promise<boolean> {
    try {
      if (typeof timeout === 'object' && timeout !== null) {
        throw new InvalidArgTypeError('timeout', 'a number of milliseconds: options come second', timeout);
      }
      const milliseconds = validateTimeout(timeout);
      validateOptions(options);
      validateSignal(options?.signal);
      validateBoolean('options.ref', options?.ref);
      throwIfAborted(options?.signal);
      const state = Atomics.or(this.#state, 0, 0);
      // Before anything is armed, held or listened to.
      if (this.#slot === NO_SLOT || (state & CLOSED) !== 0) {
        throw new EventClosedError();
      }
      if ((state & SET) !== 0) {
        return Promise.resolve(true);
      }
      if (milliseconds <= 0) {
        return Promise.resolve(this.isSet());
      }
      this.#waits ??= new AsyncWaits(this, this.#state, this.#slot);
      return this.#waits.wait(state, milliseconds, options?.ref !== false, options?.signal);
    } catch (error) {
      // A method that returns a promise fails in one way only: by rejecting.
      return Promise.reject(error);
    }
  }

  /**
   * Iterates asynchronously over the times at which the event is set. Clears the event before it yields `undefined`,
   * and ends when the event is closed. A `set()` that comes while the body of the loop runs is yielded next.
   *
   * Throws the signal's reason when the signal aborts: immediately while it waits, or else when the body of the loop is
   * through. Throws `ERR_INVALID_ARG_TYPE` at the call for invalid options.
   *
   * @example
   * for await (const _ of event.values({ signal: AbortSignal.timeout(60_000) })) {
   *   console.log('set');
   * }
   */
  values(options?: WaitAsyncOptions): AsyncGenerator<void, void, void> {
    validateOptions(options);
    validateNames('options', options, ['signal', 'ref']);
    validateSignal(options?.signal);
    validateBoolean('options.ref', options?.ref);
    return valuesOf(this, options);
  }

  /**
   * Iterates as `values()` without options does.
   * @example
   * for await (const _ of event) {
   *   console.log('set');
   * }
   */
  [Symbol.asyncIterator](): AsyncGenerator<void, void, void> {
    return this.values();
  }

  /**
   * Returns the descriptor of the pipe's read side, which is readable while the event is set. It is meant for
   * `select()`, `epoll`, or a child process that polls it. A process that reads from it takes the wake-up from the
   * waiters.
   *
   * On Windows it is the number of a socket for `select()`, in this process and in its native libraries. It is made at
   * the first call. `select()` reports it as writable, too. What is read from it takes no wake-up from the waiters. The
   * system may end its connection, when the machine sleeps. Then the number is closed, and waits for it fail. A further
   * call returns a new one.
   */
  fileno(): number {
    return check(native.eventFileno(this.#slot), 'fileno');
  }

  /** Returns the read side for a poller of this process, unless `fileno()` is overridden. @internal */
  [privateFileno](): number {
    return this.fileno === WaitableEvent.prototype.fileno
      ? check(native.eventMemberFileno(this.#slot), 'fileno')
      : this.fileno();
  }

  /**
   * Returns the descriptor of the pipe's write side. A byte that any process writes there sets the event. It is meant
   * for a child's `stdio`. A write never blocks: it fails with `EAGAIN` when the pipe is full.
   *
   * On Windows it is a number for `spawn()` and `node:fs`. It is made at the first call, and is no socket. A write may
   * wait there until a thread of this process has taken out what is in the pipe, which needs no call of the event. Of
   * more than a megabyte the rest is dropped.
   */
  writeFileno(): number {
    return check(native.eventWriteFileno(this.#slot), 'fileno');
  }

  /**
   * Reads up to `size` bytes, from 0 to 2147483647, out of the pipe. The event is clear when that empties the pipe.
   * Never blocks.
   */
  recv(size: number): Buffer {
    const buffer = Buffer.alloc(validateInteger('size', size, 0, 0x7fff_ffff));
    this[activity] += 1;
    return buffer.subarray(0, check(native.receiveEvent(this.#slot, buffer), 'read'));
  }

  /** Calls {@link WaitableEvent.recv}. */
  read(size: number): Buffer {
    return this.recv(size);
  }

  /**
   * Sets the event when `data` has at least one byte, as a write to the pipe would. Returns the number of bytes. Throws
   * `ERR_INVALID_ARG_TYPE` when `data` is neither a string nor a Uint8Array.
   */
  send(data: Uint8Array | string): number {
    if (typeof data !== 'string' && !ArrayBuffer.isView(data)) {
      throw new InvalidArgTypeError('data', 'a string or a Uint8Array', data);
    }
    const size = Buffer.byteLength(data);
    if (size > 0) {
      this.set();
    }
    return size;
  }

  /** Calls {@link WaitableEvent.send}. */
  write(data: Uint8Array | string): number {
    return this.send(data);
  }

  /** Returns true: a loop watches the read side. */
  override readable(): boolean {
    return true;
  }

  /** Returns false: a loop never watches the write side. */
  override writable(): boolean {
    return false;
  }

  /**
   * Does nothing. The event stays set, so a loop calls this in every pass. A subclass overrides it, and calls
   * `clear()`.
   */
  override handleRead(): unknown {
    return undefined;
  }

  /** Does nothing. */
  override handleWrite(): unknown {
    return undefined;
  }

  /** Closes the event. A loop calls this when another thread has closed it. */
  override handleClose(): unknown {
    this.close();
    return undefined;
  }

  /** Returns whether any thread has closed the event. Never throws. */
  get closed(): boolean {
    return this.#slot === NO_SLOT || (Atomics.or(this.#state, 0, 0) & CLOSED) !== 0;
  }

  /**
   * Closes the event in all threads. Pending waits and later calls get `ERR_EVENT_CLOSED`. The descriptors are closed
   * when the last call that uses them returns. Closing twice is allowed.
   *
   * An event that was dropped without `close()`, and is in no loop, is closed when it is garbage in every thread.
   */
  override close(): void {
    reserveStack();
    native.closeEvent(this.#slot);
    this[release]();
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns the number by which native code knows the event in this thread. @internal */
  get [slot](): number {
    return this.#slot;
  }

  /**
   * Releases the event in this thread; other threads keep it. Waits of this thread end with `ERR_EVENT_CLOSED`.
   * @internal
   */
  [release](): void {
    super.close();
    const number = this.#slot;
    if (number !== NO_SLOT) {
      this.#slot = NO_SLOT;
      dropped.unregister(this);
      this.#waits?.close();
      native.releaseEvent(number);
    }
  }

  /** Makes the event close when `other` closes. @internal */
  [closeWith](other: WaitableEvent): void {
    check(native.closeEventWith(this.#slot, other.#slot), 'closeEventWith');
  }

  /**
   * Makes the event close when this thread releases it, drops it or exits. So peers do not wait for a thread that has
   * ended.
   * @internal
   */
  [closeWithThread](): void {
    check(native.closeEventWithEnvironment(this.#slot), 'closeEventWithEnvironment');
  }

  /** Shows the state and the descriptor in `util.inspect()`. On Windows there is none to be shown. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => {
      if (this.closed) {
        return { closed: true };
      }
      const set = this.isSet();
      return process.platform === 'win32' ? { set } : { set, fd: this[privateFileno]() };
    });
  }
}

interface Opening {
  [opening]: Int32Array;
  [slot]: number;
}

function isOpening(options: unknown): options is Opening {
  return typeof options === 'object' && options !== null && opening in options;
}

async function* valuesOf(
  event: WaitableEvent,
  options: WaitAsyncOptions | undefined,
): AsyncGenerator<void, void, void> {
  try {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- an iterator yields one value after the other
      await event.waitAsync(Infinity, options);
      event.clear();
      yield;
    }
  } catch (error) {
    if (!(error instanceof EventClosedError)) {
      throw error;
    }
  }
}

/**
 * Makes an event whose state word is in `memory`, which holds 0, if the first element of `claim` is `free`; the element
 * becomes `taken`. Returns `undefined` if it is another one. The event closes with this thread, however that ends, from
 * the moment at which the element is `taken`.
 */
export function claimEventIn(
  memory: SharedArrayBuffer,
  claim: Int32Array,
  free: number,
  taken: number,
): WaitableEvent | undefined {
  const state = new Int32Array(memory);
  const number = native.claimEvent(state, claim, free, taken);
  if (number === STATUS_INVALID_HANDLE) {
    return undefined;
  }
  const options: Opening = { [opening]: state, [slot]: check(number, 'pipe2') };
  return new WaitableEvent(options as WaitableEventOptions);
}

/** Returns whether the event is closed whose state word is in `memory`. */
export function isClosedIn(memory: SharedArrayBuffer): boolean {
  return (Atomics.load(new Int32Array(memory), 0) & CLOSED) !== 0;
}
