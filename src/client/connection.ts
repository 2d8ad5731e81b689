/** What a producer and the manager's thread tell each other beside the queues: who sleeps, who is to be woken, who is gone. */

import { workerThreads } from '../platform/lazy-builtins';

import { monotonicNow } from '../platform/clock';
import { EventClosedError, TaskManagerClosedError, WouldDeadlockError } from '../util/errors';
import { WaitableEvent, closeWith, closeWithThread, release } from '../event';
import { CLOSED } from '../platform/binding';
import { ThreadActivity } from '../virtual-time/thread-activity';
import { ARMED_UNTIL, ASLEEP_BIT, OWNER_STATE, POSTED, NOTIFIED_AT, type TaskManagerHandle } from '../protocol/handle';

/** One producer's connection to a manager. */
export class Connection {
  readonly handle: TaskManagerHandle;
  /** Set by the manager when there are replies, or room. Closed when either side is gone. */
  readonly doorbell: WaitableEvent;
  readonly activity: ThreadActivity;
  readonly #trigger: WaitableEvent;
  readonly #state: Int32Array;
  readonly #times: Float64Array;
  readonly #triggerState: Int32Array;
  readonly #onClose: () => void;
  /** The sleep of the owner in which this producer has rung. */
  #notifiedSleep = 0;
  #isClosed = false;

  constructor(handle: TaskManagerHandle, onClose: () => void) {
    this.handle = handle;
    this.#onClose = onClose;
    this.#trigger = WaitableEvent.open(handle.trigger);
    this.doorbell = new WaitableEvent();
    this.doorbell[closeWithThread]();
    this.doorbell[closeWith](this.#trigger);
    this.#state = new Int32Array(handle.control);
    this.#times = new Float64Array(handle.control);
    this.#triggerState = new Int32Array(handle.trigger.state);
    this.activity = new ThreadActivity(handle.control, () => this.#ringForRest());
    this.activity.work();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Tells the manager that something was posted to its channel. */
  announcePost(): void {
    Atomics.store(this.#state, POSTED, 1);
    this.wake(Number.NEGATIVE_INFINITY);
  }

  /** Wakes the owner for something that is due at a time, if it sleeps longer than that. The record must be in the queue. */
  wake(due: number): void {
    const state = Atomics.load(this.#state, OWNER_STATE);
    if ((state & ASLEEP_BIT) !== 0 && state !== this.#notifiedSleep) {
      this.#ring(state, due);
    }
  }

  refuseClosed(): void {
    // Whoever is awake need not be rung, so this is where a manager that is gone is noticed. A plain read: it may see that a
    // moment late, as any look may, and an atomic one for each task would cost as much as all else that a task costs here.
    if (this.#isClosed || ((this.#triggerState[0] as number) & CLOSED) !== 0) {
      this.#throwClosed();
    }
    this.activity.work();
  }

  /** Whether the manager is this thread's: it cannot run while this thread waits for it. */
  get isOwnThread(): boolean {
    return this.handle.threadId === workerThreads().threadId;
  }

  refuseOwnThread(): void {
    if (this.isOwnThread) {
      throw new WouldDeadlockError();
    }
  }

  /** The error for a manager that is gone: its events are closed then. */
  closedBy(error: unknown): unknown {
    if (error instanceof EventClosedError) {
      this.close();
      return new TaskManagerClosedError();
    }
    return error;
  }

  close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      // The bell tells the manager; the trigger is the manager's: let go of, not closed.
      this.doorbell.close();
      this.#trigger[release]();
      this.#onClose();
    }
  }

  #throwClosed(): never {
    if (this.#isClosed) {
      throw new TaskManagerClosedError('connection to the task manager');
    }
    throw this.closedBy(new EventClosedError());
  }

  /** Tells a time machine that this thread has come to rest. */
  #ringForRest(): void {
    try {
      this.#trigger.set();
    } catch {
      // A manager that is gone need not know.
    }
  }

  #ring(state: number, due: number): void {
    if (due >= (this.#times[ARMED_UNTIL] as number)) {
      return;
    }
    if (this.#times[NOTIFIED_AT] === 0) {
      this.#times[NOTIFIED_AT] = monotonicNow();
    }
    try {
      this.#trigger.set();
      this.#notifiedSleep = state;
    } catch (error) {
      throw this.closedBy(error);
    }
  }
}
