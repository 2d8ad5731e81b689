/** The task manager. */

import { type RecordableHistogram, createHistogram } from 'node:perf_hooks';
import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { monotonicNow } from './clock';
import { RunLoop, type TaskSource, core } from './core';
import {
  EventClosedError,
  InvalidArgTypeError,
  InvalidArgValueError,
  InvalidHandleError,
  UnknownTaskError,
} from './errors';
import { type EventHandle, WaitableEvent } from './event';
import { Heap, type HeapMember } from './heap';
import { PAYLOAD_MASK, decodePayload } from './payload';
import { RemoteTaskManager, type ScheduleOptions, dueTime } from './remote';
import { RingConsumer, type RingRecord } from './ring';
import {
  ASLEEP,
  AWAKE,
  CONTROL_BYTES,
  INTRODUCTIONS,
  type Introduction,
  OWNER_STATE,
  RECORD_MASK,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_PIECE,
  RUNG_AT,
  type TaskManagerHandle,
} from './task-protocol';
import { validateFunction, validateInteger, validateOptions } from './validate';

/** What a handler is told beside its payload. */
export interface TaskContext {
  /** The name the task was scheduled under. */
  readonly name: string;
  /** The manager that runs it. */
  readonly manager: TaskManager;
}

/** Runs the tasks of one name. What it throws, or what its promise is rejected with, goes to the manager's `onError`. */
// oxlint-disable-next-line typescript/no-explicit-any -- the payload is whatever the producer of that name sends
export type TaskHandler = (payload: any, context: TaskContext) => unknown;

/** Options of `new TaskManager()`. */
export interface TaskManagerOptions {
  /**
   * The loop that runs the tasks.
   * @default this thread's own loop, `core`
   */
  loop?: RunLoop;
  /**
   * How many tasks of one producer may wait to be taken over, 2 to 1048576; rounded up to a power of two.
   * @default 4096
   */
  capacity?: number;
  /**
   * What a producer does when that many wait: block until there is room, or throw `ERR_QUEUE_FULL`.
   * @default 'block'
   */
  onFull?: 'block' | 'throw';
  /**
   * Called with what a task throws.
   * @default an `error` on the console
   */
  onError?: (error: unknown, name: string) => void;
}

/** What a manager has counted since it was made. */
export interface TaskManagerStats {
  /** Tasks that were run. */
  run: number;
  /** Tasks that threw, or whose promise was rejected. */
  failed: number;
  /** Tasks that wait for their time. */
  pending: number;
  /** How often the loop was woken for tasks of other threads. */
  wakeUps: number;
  /** How many tasks came from other threads and needed no wake-up of their own. */
  wakeUpsSaved: number;
  /** From the ringing of a producer to the loop's answer, in nanoseconds. */
  wakeUpLatency: RecordableHistogram;
}

const DEFAULT_CAPACITY = 4096;

/** How many records of one producer are taken before it is the next one's turn. */
const TURN = 64;

/** A task that waits for its time. */
class Scheduled implements HeapMember {
  heapIndex = -1;

  constructor(
    readonly at: number,
    readonly order: number,
    readonly name: string,
    readonly payload: unknown,
  ) {}
}

/** One producer, seen from the manager. */
interface Producer {
  readonly ring: RingConsumer;
  /** Set when there is room again. Undefined when the producer's thread had ended before the manager met it. */
  readonly room: WaitableEvent | undefined;
  readonly names: string[];
  readonly pieces: Buffer[];
  /** How many records are left of those that were there when the pass began. */
  quota: number;
}

/**
 * Runs named tasks in its loop: as soon as possible or at a time, scheduled from this thread or, through its `handle`, from any other.
 * However many tasks other threads schedule while the loop sleeps, they wake it once; while it is awake they cost no wake-up at all.
 *
 * @example
 * // main.js
 * core.taskManager.define('sample', (value) => console.log(value));
 * new Worker('./worker.js', { workerData: core.taskManager.handle });
 * await core.run();
 * // worker.js
 * TaskManager.connect(workerData).schedule('sample', 42);
 */
export class TaskManager implements TaskSource {
  readonly #loop: RunLoop;
  readonly #capacity: number;
  readonly #onFull: 'block' | 'throw';
  readonly #onError: (error: unknown, name: string) => void;
  readonly #handlers = new Map<string, TaskHandler>();
  readonly #scheduled = new Heap<Scheduled>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  #order = 0;
  #handle: TaskManagerHandle | undefined;
  #trigger: WaitableEvent | undefined;
  #channel: BroadcastChannel | undefined;
  readonly #control = new SharedArrayBuffer(CONTROL_BYTES);
  readonly #state = new Int32Array(this.#control);
  readonly #rungAt = new Float64Array(this.#control);
  #introduced = 0;
  readonly #producers = new Set<Producer>();
  readonly #record: RingRecord = { kind: 0, name: 0, value: 0, time: 0, size: 0 };
  readonly #stats = { run: 0, failed: 0, wakeUps: 0, received: 0 };
  readonly #wakeUpLatency = createHistogram();

  constructor(options?: TaskManagerOptions) {
    validateOptions(options);
    const { loop = core, capacity = DEFAULT_CAPACITY, onFull = 'block', onError = report } = options ?? {};
    if (!(loop instanceof RunLoop)) {
      throw new InvalidArgTypeError('options.loop', 'a RunLoop', loop);
    }
    validateInteger('options.capacity', capacity, 2, 1 << 20);
    if (onFull !== 'block' && onFull !== 'throw') {
      throw new InvalidArgValueError('options.onFull', "'block' or 'throw'", onFull);
    }
    validateFunction('options.onError', onError);
    this.#loop = loop;
    this.#capacity = 2 ** Math.ceil(Math.log2(capacity));
    this.#onFull = onFull;
    this.#onError = onError;
    loop.attach(this);
  }

  /** The manager that another thread owns, for this one. Throws `ERR_INVALID_HANDLE` when there is none any more. */
  static connect(handle: TaskManagerHandle): RemoteTaskManager {
    if (typeof handle !== 'object' || handle === null || typeof handle.channel !== 'string') {
      throw new InvalidHandleError('task manager');
    }
    return new RemoteTaskManager(handle);
  }

  /** The time on the wall clock, in milliseconds since the epoch. */
  getTime(): number {
    return Date.now();
  }

  /** Has `handler` run the tasks named `name`, instead of any handler that was defined for it before. */
  define(name: string, handler: TaskHandler): void {
    if (typeof name !== 'string') {
      throw new InvalidArgTypeError('name', 'a string', name);
    }
    validateFunction('handler', handler);
    this.#handlers.set(name, handler);
  }

  /** Schedules a task from the manager's own thread. The payload is passed as it is. */
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): void {
    if (typeof name !== 'string') {
      throw new InvalidArgTypeError('name', 'a string', name);
    }
    const at = options === undefined ? Number.NEGATIVE_INFINITY : dueTime(options);
    this.#install(Number.isFinite(at) ? at : monotonicNow(), name, payload);
    this.#loop.reschedule();
  }

  /** What another thread needs to `TaskManager.connect()`: structured-cloneable. */
  get handle(): TaskManagerHandle {
    if (this.#handle === undefined) {
      const trigger = new WaitableEvent();
      trigger.handleRead = () => this.#onTrigger();
      trigger.closeWithThread();
      this.#loop.addInternal(trigger);
      this.#trigger = trigger;
      const channel = `waitable-event.task-manager.${trigger.handle.key}`;
      this.#channel = new BroadcastChannel(channel);
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- Node types the channel without it
      this.#channel.onmessage = (event) => this.#meet((event as { data: Introduction }).data);
      this.#channel.unref();
      Atomics.store(this.#state, OWNER_STATE, ASLEEP);
      this.#handle = Object.freeze({
        trigger: trigger.handle,
        control: this.#control,
        channel,
        capacity: this.#capacity,
        onFull: this.#onFull,
      });
    }
    return this.#handle;
  }

  /** What has been counted so far. */
  stats(): TaskManagerStats {
    const { run, failed, wakeUps, received } = this.#stats;
    return {
      run,
      failed,
      pending: this.#scheduled.size,
      wakeUps,
      wakeUpsSaved: Math.max(0, received - wakeUps),
      wakeUpLatency: this.#wakeUpLatency,
    };
  }

  /** Closes the manager to other threads: they get `ERR_TASK_MANAGER_CLOSED`. What waits for its time here is kept. */
  close(): void {
    this.#loop.detach(this);
    if (this.#trigger !== undefined) {
      this.#loop.removeInternal(this.#trigger);
      this.#trigger.close();
    }
    this.#channel?.close();
    this.#producers.forEach((producer) => producer.room?.close());
    this.#producers.clear();
  }

  /** When the next task is due. @internal */
  nextDue(): number {
    return this.#scheduled.peek()?.at ?? Infinity;
  }

  /** Runs what is due now. @internal */
  runDue(): void {
    const now = monotonicNow();
    const before = this.#order;
    for (let first = this.#scheduled.peek(); first !== undefined && first.at <= now; first = this.#scheduled.peek()) {
      if (first.order >= before) {
        // Installed by one of these tasks, and due already: the next pass's.
        break;
      }
      this.#scheduled.pop();
      this.#run(first.name, first.payload);
    }
    this.#drain();
  }

  /** Tells the producers that the owner sleeps, unless there is something to do first. @internal */
  beforeSleep(): boolean {
    if (this.#handle === undefined) {
      return true;
    }
    // The order is the promise: first the word, then the queues. See `task-protocol.ts`.
    Atomics.store(this.#state, OWNER_STATE, ASLEEP);
    let idle = Atomics.load(this.#state, INTRODUCTIONS) === this.#introduced;
    for (const producer of this.#producers) {
      idle &&= producer.ring.available === 0;
    }
    if (!idle) {
      Atomics.store(this.#state, OWNER_STATE, AWAKE);
    }
    return idle;
  }

  #install(at: number, name: string, payload: unknown): void {
    this.#scheduled.push(new Scheduled(at, this.#order, name, payload));
    this.#order += 1;
  }

  #onTrigger(): void {
    this.#stats.wakeUps += 1;
    this.#wakeUpLatency.record(Math.max(1, Math.round((monotonicNow() - (this.#rungAt[RUNG_AT] as number)) * 1e6)));
    Atomics.store(this.#state, OWNER_STATE, AWAKE);
    this.#trigger?.clear();
    this.#drain();
  }

  /** Takes over what other threads had scheduled when it began, in turns, so that none of them waits for all of another's. */
  #drain(): void {
    this.#welcome();
    let left = 0;
    for (const producer of this.#producers) {
      // In this order: once it is gone, nothing more comes.
      const gone = producer.room?.closed !== false;
      producer.quota = producer.ring.available;
      left += producer.quota;
      if (gone && producer.quota === 0) {
        producer.room?.release();
        this.#producers.delete(producer);
      }
    }
    while (left > 0) {
      for (const producer of this.#producers) {
        const count = Math.min(producer.quota, TURN);
        if (count > 0) {
          this.#takeTurn(producer, count);
          producer.quota -= count;
          left -= count;
        }
      }
    }
  }

  #takeTurn(producer: Producer, count: number): void {
    for (let index = 0; index < count; index += 1) {
      this.#takeRecord(producer);
    }
    if (producer.ring.publish() && producer.room?.closed === false) {
      producer.room.set();
    }
  }

  #takeRecord(producer: Producer): void {
    const { ring } = producer;
    const record = this.#record;
    ring.peek(record);
    const { kind, name, value, time } = record;
    let data = record.size > 0 ? ring.take(record.size) : undefined;
    ring.advance();
    const what = kind & RECORD_MASK;
    if (what === RECORD_NAME) {
      producer.names[name] = data?.toString() ?? '';
      return;
    }
    if (what === RECORD_PIECE) {
      producer.pieces.push(data as Buffer);
      return;
    }
    if (producer.pieces.length > 0) {
      data = Buffer.concat([...producer.pieces.splice(0), data ?? Buffer.alloc(0)]);
    }
    this.#stats.received += 1;
    const taskName = producer.names[name] as string;
    const payload = decodePayload(kind & PAYLOAD_MASK, value, data);
    if (what === RECORD_NOW) {
      this.#run(taskName, payload);
    } else {
      this.#install(time, taskName, payload);
    }
  }

  /**
   * Meets the producers that have introduced themselves. Their messages come by Node's event loop, or are fetched here when
   * that stands still.
   */
  #welcome(): void {
    while (this.#introduced !== Atomics.load(this.#state, INTRODUCTIONS)) {
      const received: { message: Introduction } | undefined = receiveMessageOnPort(this.#channel as never);
      if (received === undefined) {
        return;
      }
      this.#meet(received.message);
    }
  }

  #meet({ ring, room }: Introduction): void {
    this.#introduced += 1;
    this.#producers.add({ ring: new RingConsumer(ring), room: openRoom(room), names: [], pieces: [], quota: 0 });
    this.#loop.nudge();
  }

  #run(name: string, payload: unknown): void {
    this.#stats.run += 1;
    try {
      const handler = this.#handlers.get(name);
      if (handler === undefined) {
        throw new UnknownTaskError(name);
      }
      const result = handler(payload, { name, manager: this });
      if (result instanceof Promise) {
        result.catch((error: unknown) => this.#fail(error, name));
      }
    } catch (error) {
      this.#fail(error, name);
    }
  }

  #fail(error: unknown, name: string): void {
    this.#stats.failed += 1;
    this.#onError(error, name);
  }
}

/** Opens a producer's event; what its thread had scheduled before it ended is there all the same. */
function openRoom(handle: EventHandle): WaitableEvent | undefined {
  try {
    const room = WaitableEvent.open(handle);
    room.closeWithThread();
    return room;
  } catch (error) {
    if (error instanceof InvalidHandleError || error instanceof EventClosedError) {
      return undefined;
    }
    throw error;
  }
}

function report(error: unknown, name: string): void {
  console.error(`error in the task ${JSON.stringify(name)}`, error);
}
