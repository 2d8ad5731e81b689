/**
 * What a producer and the manager's thread tell each other beside the queues: which of them waits, which is to be
 * woken, which is gone.
 */

import { WaitableEvent, closeWith, closeWithThread, release } from '../event';
import {
  BlockedProducer,
  ProducerControlBlock,
  type Seat,
  type TaskManagerHandle,
  findBlockedPeers,
  takeSeat,
} from '../protocol';
import { ThreadActivity } from '../virtual-time';
import { CLOSED, debug, isDebugging, monotonicNow, nodeProcess, workerThreads } from '../platform';
import { EventClosedError, TaskManagerClosedError, WouldDeadlockError } from '../util';

/** How long the main thread blocks, in milliseconds, before a warning says so. */
const BLOCKED_LIMIT = 1000;

/** How long a worker, and the main thread, wait for a channel on which only the owner reads, in milliseconds. */
const OFFER_LIMIT = 100;
const OFFER_LIMIT_MAIN = 10;

/** No thread has this number. */
const NO_THREAD = -1;

let hasWarned = false;

/** What happens when the queue is full: what the producer chose, or else the manager. */
type OnFull = 'block' | 'throw' | undefined;

/** One producer's connection to a manager. */
export class Connection {
  readonly handle: TaskManagerHandle;
  /** What happens when the queue is full, where either side chose it. */
  readonly onFull: OnFull;
  /** Set by the manager when there are replies, or room. Closed when either side is gone. */
  readonly doorbell: WaitableEvent;
  /** The memory that the manager has made for this connection, if there is some. */
  readonly seat: Seat | undefined;
  /** Decides whether the manager's thread has to be woken. */
  readonly control: ProducerControlBlock;
  readonly activity: ThreadActivity;
  readonly #trigger: WaitableEvent;
  readonly #triggerState: Int32Array;
  readonly #onClose: () => void;
  readonly #blocked: BlockedProducer;
  /** When this thread began to block, on the monotonic clock; `undefined` while it does not. */
  #blockedSince: number | undefined;
  #isClosed = false;

  constructor(handle: TaskManagerHandle, onFull: OnFull, onClose: () => void) {
    this.handle = handle;
    this.onFull = onFull ?? handle.onFull;
    this.#onClose = onClose;
    this.#trigger = WaitableEvent.open(handle.trigger);
    // A valid handle has seats, or none.
    const taken = handle.seats === undefined ? undefined : takeSeat(handle.seats as readonly Seat[]);
    this.seat = taken?.seat;
    this.doorbell = taken?.doorbell ?? new WaitableEvent();
    this.doorbell[closeWithThread]();
    this.doorbell[closeWith](this.#trigger);
    this.#triggerState = new Int32Array(handle.trigger.state);
    this.control = new ProducerControlBlock(handle.control, () => this.#setTrigger(), monotonicNow);
    this.activity = new ThreadActivity(handle.control, () => this.#setTriggerIfOpen(), this.seat?.activity);
    this.#blocked = new BlockedProducer(this.activity.memory);
    this.activity.markBusy();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the connection is closed, or the manager is gone. */
  get isOver(): boolean {
    return this.#isClosed || (Atomics.load(this.#triggerState, 0) & CLOSED) !== 0;
  }

  /** Begins to send: throws when the manager or the connection is closed, and says that this thread is busy. */
  beginSend(): void {
    // A manager that is awake is not woken, so this is where one that is gone is noticed. A plain read may see that a
    // moment late, as any read may, and an atomic one for each task would cost as much as everything else that a task
    // costs here.
    if (this.#isClosed || ((this.#triggerState[0] as number) & CLOSED) !== 0) {
      this.#throwClosed();
    }
    this.activity.markBusy();
  }

  /** Whether the manager belongs to this thread: then it cannot run while this thread waits for it. */
  get isOwnThread(): boolean {
    return this.handle.threadId === workerThreads().threadId;
  }

  /** Takes a channel that the owner offers; `undefined` when there is none. Waits for one for a moment. */
  takeOffer(): number | undefined {
    const { control } = this;
    const key = control.takeOffer();
    if (key !== undefined) {
      return key;
    }
    if (!this.isOwnThread) {
      return control.awaitOffer(workerThreads().isMainThread ? OFFER_LIMIT_MAIN : OFFER_LIMIT);
    }
    control.announcePosted();
    // The managers of this thread look what was announced, and offer more.
    findBlockedPeers(NO_THREAD);
    return control.takeOffer();
  }

  /** Throws `ERR_WOULD_DEADLOCK` when the manager belongs to this thread. */
  throwIfOwnThread(): void {
    if (this.isOwnThread) {
      throw new WouldDeadlockError();
    }
  }

  /**
   * Sleeps until the doorbell is set, for `timeout` milliseconds at most, and clears it. `mayContinue` looks whether
   * what this thread waits for has come. Returns whether it has found that; the sleep may end without a reason.
   *
   * Throws `ERR_WOULD_DEADLOCK` when the manager's thread sleeps for this thread in the same way.
   */
  sleep(isForRoom: boolean, timeout: number, mayContinue: () => boolean): boolean {
    this.#blocked.begin(isForRoom);
    let isDeadlock = false;
    let hasCome = false;
    try {
      // This thread's word is stored: see `protocol/blocked-threads.ts`.
      const tellPeers = findBlockedPeers(this.handle.threadId);
      hasCome = tellPeers.length > 0 && mayContinue();
      isDeadlock = tellPeers.length > 0 && !hasCome;
      if (isDeadlock && !this.#blocked.isTold) {
        this.#blocked.tellItself();
        tellPeers.forEach((tell) => tell());
      } else if (!isDeadlock && !hasCome && !this.#blocked.isTold) {
        this.#waitForDoorbell(timeout);
      }
    } finally {
      isDeadlock = this.#blocked.end() || isDeadlock;
    }
    if (isDeadlock) {
      throw new WouldDeadlockError('Two threads block for each other');
    }
    this.doorbell.clear();
    return hasCome;
  }

  /** Says that this thread does not wait any more. */
  endSleep(): void {
    this.#blockedSince = undefined;
    this.#blocked.endCall();
  }

  #waitForDoorbell(timeout: number): void {
    if (hasWarned || !workerThreads().isMainThread) {
      this.doorbell.wait(timeout);
      return;
    }
    const now = monotonicNow();
    this.#blockedSince ??= now;
    const left = this.#blockedSince + BLOCKED_LIMIT - now;
    if (left > 0) {
      this.doorbell.wait(Math.min(timeout, left));
    } else {
      hasWarned = true;
      nodeProcess.emitWarning(
        `The main thread has been blocked for more than ${BLOCKED_LIMIT} ms by a task manager of another thread. ` +
          'Its timers, sockets and signals wait meanwhile. Use call(), or connect with { onFull: "throw" }.',
        { code: 'WAITABLE_EVENT_BLOCKED' },
      );
    }
  }

  /**
   * Returns what the caller throws in place of `error`. An event that is closed means that the manager is gone, and
   * closes this.
   */
  toError(error: unknown): unknown {
    if (error instanceof EventClosedError) {
      this.close();
      return new TaskManagerClosedError();
    }
    return error;
  }

  close(): void {
    if (!this.#isClosed) {
      if (isDebugging) {
        debug(`the connection to thread ${this.handle.threadId} is closed`);
      }
      this.#isClosed = true;
      // Closing the doorbell tells the manager. The trigger belongs to the manager, so it is released, not closed.
      this.doorbell.close();
      this.#trigger[release]();
      this.#onClose();
    }
  }

  #throwClosed(): never {
    if (this.#isClosed) {
      throw new TaskManagerClosedError('connection to the task manager');
    }
    throw this.toError(new EventClosedError());
  }

  #setTrigger(): void {
    try {
      this.#trigger.set();
    } catch (error) {
      throw this.toError(error);
    }
  }

  #setTriggerIfOpen(): void {
    try {
      this.#trigger.set();
    } catch {
      // A manager that is gone waits for no thread.
    }
  }
}
