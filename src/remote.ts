/** The producer's end of a task manager: in whatever thread. */

import { BroadcastChannel } from 'node:worker_threads';

import { monotonicNow } from './clock';
import { EventClosedError, InvalidArgTypeError, QueueFullError, TaskManagerClosedError } from './errors';
import { WaitableEvent } from './event';
import { type EncodedPayload, PAYLOAD_NONE, PAYLOAD_STRING, encodePayload } from './payload';
import { RingProducer, makeRingMemory } from './ring';
import {
  ASLEEP,
  INTRODUCTIONS,
  type Introduction,
  OWNER_STATE,
  RING_BYTES,
  RECORD_AT,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_PIECE,
  RUNG_AT,
  type TaskManagerHandle,
} from './task-protocol';
import { validateMilliseconds, validateOptions } from './validate';

/** Options of `RemoteTaskManager.schedule()`. */
export interface ScheduleOptions {
  /** When the task is due: milliseconds since the epoch, or a Date. */
  when?: number | Date;
  /** How many milliseconds from now the task is due, fractions allowed. */
  delta?: number;
}

/**
 * A task manager, seen from another thread. It belongs to the thread that made it with `TaskManager.connect()`.
 */
export class RemoteTaskManager {
  readonly #handle: TaskManagerHandle;
  readonly #trigger: WaitableEvent;
  readonly #room: WaitableEvent;
  readonly #state: Int32Array;
  readonly #rungAt: Float64Array;
  readonly #ring: RingProducer;
  readonly #names = new Map<string, number>();
  readonly #encoded: EncodedPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined };
  #closed = false;

  /** @internal */
  constructor(handle: TaskManagerHandle) {
    this.#handle = handle;
    this.#trigger = WaitableEvent.open(handle.trigger);
    this.#room = new WaitableEvent();
    this.#room.closeWithThread();
    this.#state = new Int32Array(handle.control);
    this.#rungAt = new Float64Array(handle.control);
    const memory = makeRingMemory(handle.capacity, RING_BYTES);
    this.#ring = new RingProducer(memory);
    const introduction: Introduction = { ring: memory, room: this.#room.handle };
    const channel = new BroadcastChannel(handle.channel);
    channel.postMessage(introduction);
    channel.close();
    Atomics.add(this.#state, INTRODUCTIONS, 1);
    this.#wake();
  }

  /**
   * Has the manager run the handler that is defined for `name`, as soon as possible or at a given time. Tasks of one thread that are due
   * as soon as possible run in the order in which they were scheduled.
   *
   * When the queue is full it blocks until there is room, or throws `ERR_QUEUE_FULL`, as the manager's `onFull` says.
   * Throws `ERR_TASK_MANAGER_CLOSED` when the manager is closed or its thread has ended, and a DataCloneError for a payload
   * that cannot be cloned.
   */
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): void {
    if (this.#closed) {
      throw new TaskManagerClosedError('connection to the task manager');
    }
    if (typeof name !== 'string') {
      throw new InvalidArgTypeError('name', 'a string', name);
    }
    const due = options === undefined ? Number.NEGATIVE_INFINITY : dueTime(options);
    const encoded = this.#encoded;
    encodePayload(payload, encoded);
    const { kind, value } = encoded;
    const number = this.#numberOf(name);
    const last = this.#pushPieces(encoded.data);
    const record = due === Number.NEGATIVE_INFINITY ? RECORD_NOW : RECORD_AT;
    // What is begun is finished: once a piece is in the queue, the rest waits for room in any case.
    const patient = this.#handle.onFull === 'block' || last !== encoded.data;
    this.#push(record | kind, number, value, due, last, patient);
    this.#wake();
  }

  /** Ends the connection. What was scheduled before still runs. */
  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#room.close();
      // The trigger is the manager's: let go of, not closed.
      this.#trigger.release();
    }
  }

  /** `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #numberOf(name: string): number {
    let number = this.#names.get(name);
    if (number === undefined) {
      number = this.#names.size;
      this.#push(RECORD_NAME | PAYLOAD_STRING, number, 0, 0, Buffer.from(name), true);
      this.#names.set(name, number);
    }
    return number;
  }

  /** Sends all of a long payload but its last piece, which is returned. */
  #pushPieces(data: Uint8Array | undefined): Uint8Array | undefined {
    let rest = data;
    while (rest !== undefined && rest.length > this.#ring.largest) {
      this.#push(RECORD_PIECE, 0, 0, 0, rest.subarray(0, this.#ring.largest), true);
      this.#wake();
      rest = rest.subarray(this.#ring.largest);
    }
    return rest;
  }

  #push(kind: number, name: number, value: number, time: number, data: Uint8Array | undefined, patient: boolean): void {
    if (this.#ring.push(kind, name, value, time, data)) {
      return;
    }
    if (!patient) {
      this.#wake();
      throw new QueueFullError();
    }
    try {
      // First say that we wait, then look again: the manager makes room first and looks for us afterwards.
      this.#ring.setWaiting(true);
      while (!this.#ring.push(kind, name, value, time, data)) {
        this.#wake();
        this.#room.wait();
        this.#room.clear();
      }
    } catch (error) {
      throw this.#closedBy(error);
    } finally {
      this.#ring.setWaiting(false);
    }
  }

  /** The error for a manager that is gone: its events are closed then. */
  #closedBy(error: unknown): unknown {
    if (error instanceof EventClosedError) {
      this.close();
      return new TaskManagerClosedError();
    }
    return error;
  }

  #wake(): void {
    if (Atomics.load(this.#state, OWNER_STATE) === ASLEEP) {
      if (this.#rungAt[RUNG_AT] === 0) {
        this.#rungAt[RUNG_AT] = monotonicNow();
      }
      try {
        this.#trigger.set();
      } catch (error) {
        throw this.#closedBy(error);
      }
    }
  }
}

/** When a task is due, on the monotonic clock. */
export function dueTime(options: ScheduleOptions): number {
  validateOptions(options);
  const { when, delta } = options;
  if (when !== undefined) {
    const time = when instanceof Date ? when.getTime() : when;
    return monotonicNow() + validateMilliseconds('options.when', time) - Date.now();
  }
  return delta === undefined
    ? Number.NEGATIVE_INFINITY
    : monotonicNow() + Math.max(0, validateMilliseconds('options.delta', delta));
}
