/** The event. */

import { type InspectOptions, inspect, types } from 'node:util';

import { AsyncWaits } from './async-waits';
import { Dispatcher, type Loop } from '../dispatcher';
import { EventClosedError, InvalidArgTypeError, InvalidHandleError } from '../util/errors';
import { CLOSED, NO_SLOT, SET, check, fast, native, toError } from '../platform/binding';
import { inspectAs } from '../util/inspect';
import {
  throwIfAborted,
  validateBoolean,
  validateInteger,
  validateOptions,
  validateSignal,
  validateTimeout,
} from '../util/validate';

/** How another thread finds an event: structured-cloneable, through `workerData` or `postMessage()`. */
export interface EventHandle {
  /** Unguessable; valid for as long as some thread holds the event. */
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
  set?: boolean;
  /** A loop to join at once, which then calls `handleRead()` while the event is set. */
  loop?: Loop;
}

/** Options of `waitAsync()`. */
export interface WaitAsyncOptions {
  /** Ends the wait: the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Whether the wait keeps the process alive.
   * @default true
   */
  ref?: boolean;
}

/** Keys of what only this package may call: a subclass may use any name. */
export const slot: unique symbol = Symbol.for('waitable-event.slot');
export const release: unique symbol = Symbol('release');
export const closeWith: unique symbol = Symbol('closeWith');
export const closeWithThread: unique symbol = Symbol('closeWithThread');

/** Passed to the constructor by `open()`: the event exists already. */
const opening = Symbol('opening');

/** Gives back what an event that was dropped without `close()` holds in this thread. */
const dropped = new FinalizationRegistry<number>((number) => native.releaseEvent(number));

/**
 * An event that any thread can set and any thread can wait for: blocking, with a promise, or in a run loop.
 *
 * It is BACpypes' `event.WaitableEvent`: the methods of Python's `threading.Event`, and those of a channel, over a pipe whose
 * read side says the same to everybody who only has the descriptor. It is a level, not a count: setting twice is once, and
 * waiting does not clear. Every method may be called from every thread that has the event open; none but `wait()` blocks.
 *
 * Whatever was written before `set()` is visible to whoever returns from a wait for it, and to whoever clears it.
 *
 * Every method but `close()` throws `ERR_EVENT_CLOSED` once the event is closed, by whichever thread.
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
  readonly #state: Int32Array;
  #handle: EventHandle | undefined;
  #waits: AsyncWaits | undefined;

  /**
   * A clear event. Throws `EMFILE` or `ENFILE` when there are no descriptors left, and leaks nothing then.
   */
  constructor(options?: WaitableEventOptions) {
    super();
    if (isOpening(options)) {
      this.#state = options[opening];
      this.#slot = options[slot];
    } else {
      validateOptions(options);
      validateBoolean('options.set', options?.set);
      this.#state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
      this.#slot = check(native.createEvent(this.#state), 'pipe2');
    }
    dropped.register(this, this.#slot, this);
    try {
      if (options?.set === true) {
        this.set();
      }
      if (options?.loop !== undefined) {
        this.addChannel(options.loop);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * The same event, from another thread.
   *
   * Throws `ERR_INVALID_HANDLE` when no live event has this handle: it was closed, or every thread that held it has
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
   * What another thread needs to `open()` this event. It does not keep the event alive: somebody must hold the event until
   * it is opened.
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
   * Sets the event: whoever waits is woken, and whoever waits later is not kept waiting, until it is cleared. On an event
   * that is set it costs one atomic operation and no system call. Never blocks, also when the pipe is full.
   */
  set(): void {
    // A read-modify-write, though nothing changes: whoever clears the event synchronises with it (`state.rs`). The
    // change itself is native, where no worker can be terminated between the word and the pipe.
    if ((Atomics.or(this.#state, 0, 0) & (SET | CLOSED)) !== SET) {
      const failure = fast.setEvent(this.#slot);
      if (failure !== undefined) {
        throw toError(failure, 'write');
      }
    }
  }

  /** Clears the event. One call clears however many `set()` calls and foreign bytes there were. Never blocks. */
  clear(): void {
    const failure = fast.clearEvent(this.#slot);
    if (failure !== undefined) {
      throw toError(failure, 'read');
    }
  }

  /** Whether the event is set; exactly `wait(0)`. */
  isSet(): boolean {
    return (Atomics.or(this.#state, 0, 0) & (SET | CLOSED)) === SET || check(fast.isEventSet(this.#slot), 'poll') === 1;
  }

  /**
   * Blocks this thread until the event is set, and returns whether it was; `false` when the timeout passed first. A `set()`
   * that somebody cleared before this thread got up counts.
   *
   * In a worker, `worker.terminate()` and the main thread's `process.exit()` end the wait at once. On the main thread nothing
   * else runs meanwhile, not even JavaScript's signal handlers.
   *
   * @param timeout milliseconds, fractions allowed; default: for ever; zero and less look once. Never early.
   */
  wait(timeout?: number): boolean {
    const milliseconds = validateTimeout(timeout);
    if ((Atomics.or(this.#state, 0, 0) & (SET | CLOSED)) === SET) {
      return true;
    }
    return check(fast.waitEvent(this.#slot, milliseconds), 'ppoll') === 1;
  }

  /**
   * Waits in Node's event loop until the event is set: resolves with `true`, or with `false` when the timeout passed first. A
   * `set()` that somebody cleared before the loop got to look counts.
   *
   * Rejects with the signal's reason, with `ERR_EVENT_CLOSED` when somebody closes the event, and with
   * `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for arguments that make no sense.
   *
   * @param timeout milliseconds, fractions allowed; default: for ever; zero and less look once. Never early.
   */
  waitAsync(timeout?: number, options?: WaitAsyncOptions): Promise<boolean> {
    try {
      const milliseconds = validateTimeout(timeout);
      validateOptions(options);
      validateSignal(options?.signal);
      validateBoolean('options.ref', options?.ref);
      throwIfAborted(options?.signal);
      const state = Atomics.or(this.#state, 0, 0);
      if ((state & (SET | CLOSED)) === SET) {
        return Promise.resolve(true);
      }
      if (milliseconds <= 0) {
        return Promise.resolve(this.isSet());
      }
      this.#waits ??= new AsyncWaits(this, this.#state, this.#slot);
      return this.#waits.wait(state, milliseconds, options?.ref !== false, options?.signal);
    } catch (error) {
      // A promise-returning method has one way to fail.
      return Promise.reject(error);
    }
  }

  /** Each time the event is set, once; it is cleared as it is taken. Ends when the event is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<void, void, void> {
    try {
      for (;;) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is what an iterator is
        await this.waitAsync();
        this.clear();
        yield;
      }
    } catch (error) {
      if (!(error instanceof EventClosedError)) {
        throw error;
      }
    }
  }

  /**
   * The descriptor of the read side: readable while the event is set. For `select()`, `epoll` or a child process to poll; whoever
   * reads from it takes the event's bell away.
   */
  fileno(): number {
    return check(native.eventFileno(this.#slot), 'fileno');
  }

  /** The descriptor of the write side: a byte written there, by whatever process, sets the event. For a child's `stdio`. */
  writeFileno(): number {
    return check(native.eventWriteFileno(this.#slot), 'fileno');
  }

  /** Reads up to `size` bytes out of the pipe; the event is clear when that empties it. */
  recv(size: number): Buffer {
    const buffer = Buffer.alloc(validateInteger('size', size, 0, 0x7fff_ffff));
    return buffer.subarray(0, check(native.receiveEvent(this.#slot, buffer), 'read'));
  }

  /** Another name of {@link WaitableEvent.recv}. */
  read(size: number): Buffer {
    return this.recv(size);
  }

  /** Sets the event when there is at least one byte in `data`, as writing to the pipe would. */
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

  /** Another name of {@link WaitableEvent.send}. */
  write(data: Uint8Array | string): number {
    return this.send(data);
  }

  /** Always: a loop watches the read side. */
  override readable(): boolean {
    return true;
  }

  /** Never. */
  override writable(): boolean {
    return false;
  }

  /** Nothing: the event stays set, so a loop calls this in every pass. Override it, and `clear()`. */
  override handleRead(): void {}

  /** Nothing. */
  override handleWrite(): void {}

  /** Closes the event. */
  override handleClose(): void {
    this.close();
  }

  /** Whether the event is closed, by whichever thread. */
  get closed(): boolean {
    return this.#slot === NO_SLOT || (Atomics.or(this.#state, 0, 0) & CLOSED) !== 0;
  }

  /**
   * Closes the event, in all threads: whoever waits gets `ERR_EVENT_CLOSED`, and so does whoever calls it later. Its
   * descriptors are closed as soon as no call uses them any more. Closing twice is allowed.
   *
   * An event that is dropped without it, and sits in no loop, is closed when it is garbage in every thread.
   */
  override close(): void {
    native.closeEvent(this.#slot);
    this[release]();
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The number by which native code knows the event in this thread. @internal */
  get [slot](): number {
    return this.#slot;
  }

  /** Releases the event in this thread; other threads keep it. Waits of this thread end with `ERR_EVENT_CLOSED`. @internal */
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

  /** Closes the event when another one closes. @internal */
  [closeWith](other: WaitableEvent): void {
    check(native.closeEventWith(this.#slot, other.#slot), 'closeEventWith');
  }

  /**
   * Closes the event when this thread releases it, or drops it, or exits, so that peers do not wait for a thread that is gone.
   * @internal
   */
  [closeWithThread](): void {
    check(native.closeEventWithEnvironment(this.#slot), 'closeEventWithEnvironment');
  }

  /** Shows the state and the descriptor in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () =>
      this.closed ? { closed: true } : { set: this.isSet(), fd: this.fileno() },
    );
  }
}

interface Opening {
  [opening]: Int32Array;
  [slot]: number;
}

function isOpening(options: unknown): options is Opening {
  return typeof options === 'object' && options !== null && opening in options;
}
