/**
 * What a producer and the manager's thread tell each other beside the queues: which of them waits, which is to be
 * woken, which is gone.
 */

import { WaitableEvent, closeWith, closeWithThread, release } from '../event';
import { ProducerControlBlock, type TaskManagerHandle } from '../protocol';
import { ThreadActivity } from '../virtual-time';
import { CLOSED, monotonicNow, workerThreads } from '../platform';
import { EventClosedError, TaskManagerClosedError, WouldDeadlockError } from '../util';

/** One producer's connection to a manager. */
export class Connection {
  readonly handle: TaskManagerHandle;
  /** Set by the manager when there are replies, or room. Closed when either side is gone. */
  readonly doorbell: WaitableEvent;
  /** Decides whether the manager's thread has to be woken. */
  readonly control: ProducerControlBlock;
  readonly activity: ThreadActivity;
  readonly #trigger: WaitableEvent;
  readonly #triggerState: Int32Array;
  readonly #onClose: () => void;
  #isClosed = false;

  constructor(handle: TaskManagerHandle, onClose: () => void) {
    this.handle = handle;
    this.#onClose = onClose;
    this.#trigger = WaitableEvent.open(handle.trigger);
    this.doorbell = new WaitableEvent();
    this.doorbell[closeWithThread]();
    this.doorbell[closeWith](this.#trigger);
    this.#triggerState = new Int32Array(handle.trigger.state);
    this.control = new ProducerControlBlock(handle.control, () => this.#setTrigger(), monotonicNow);
    this.activity = new ThreadActivity(handle.control, () => this.#setTriggerIfOpen());
    this.activity.markBusy();
  }

  get isClosed(): boolean {
    return this.#isClosed;
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

  /** Throws `ERR_WOULD_DEADLOCK` when the manager belongs to this thread. */
  throwIfOwnThread(): void {
    if (this.isOwnThread) {
      throw new WouldDeadlockError();
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
