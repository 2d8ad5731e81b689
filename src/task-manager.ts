/** The task manager: what is due in a loop, and what other threads have scheduled there. */

import { AsyncResource } from 'node:async_hooks';
import { type RecordableHistogram, createHistogram } from 'node:perf_hooks';
import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { type Clock, systemClock } from './clock';
import { RunLoop, type TaskSource, core } from './core';
import {
  EventClosedError,
  InvalidArgTypeError,
  InvalidArgValueError,
  InvalidHandleError,
  InvalidTaskError,
  UnknownTaskError,
} from './errors';
import { type EventHandle, WaitableEvent } from './event';
import { Heap } from './heap';
import { PAYLOAD_MASK, decodePayload } from './payload';
import { RemoteTaskManager, type ScheduleOptions } from './remote';
import { RingConsumer, type RingRecord } from './ring';
import { type InstallOptions, type RecurringOptions, RecurringTask, Task } from './task';
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
  /** Runs of recurring tasks that were left out because the last one was not over. */
  skipped: number;
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

/** How far the clocks may drift apart before tasks that go by the wall clock are put in order again. */
const CLOCK_TOLERANCE = 0.5;

/** A named task that waits for its time. */
class NamedTask extends Task {
  readonly #run: () => void;

  constructor(run: () => void) {
    super();
    this.#run = run;
  }

  override processTask(): void {
    this.#run();
  }
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
  readonly #tasks = new Heap<Task>(comesBefore);
  readonly #clock: Clock;
  /** The wall clock's, when the tasks that go by it were put in order. */
  #offset: number;
  /** How many tasks go by the wall clock. */
  #byWallClock = 0;
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
  readonly #stats = { run: 0, failed: 0, skipped: 0, wakeUps: 0, received: 0 };
  readonly #wakeUpLatency = createHistogram();

  constructor(options?: TaskManagerOptions) {
    validateOptions(options);
    const { loop = core, capacity = DEFAULT_CAPACITY, onFull = 'block', onError = report } = options ?? {};
    const { clock = systemClock } = (options ?? {}) as { clock?: Clock };
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
    this.#clock = clock;
    this.#offset = clock.offset();
    loop.attach(this);
  }

  /** The manager that another thread owns, for this one. Throws `ERR_INVALID_HANDLE` when there is none any more. */
  static connect(handle: TaskManagerHandle): RemoteTaskManager {
    if (typeof handle !== 'object' || handle === null || typeof handle.channel !== 'string') {
      throw new InvalidHandleError('task manager');
    }
    return new RemoteTaskManager(handle);
  }

  /** The time on the wall clock, in milliseconds since the epoch, with fractions. */
  getTime(): number {
    return this.#clock.monotonic() + this.#clock.offset();
  }

  /** Installs a task here, or moves it here: as `task.installTask()`. */
  installTask(task: Task, options?: InstallOptions & RecurringOptions): void {
    validateTask(task);
    if (task.manager !== this) {
      task.suspendTask();
      task.manager = this;
    }
    task.installTask(options);
  }

  /** Takes a task out, in O(log n); nothing happens when it is not installed here. */
  suspendTask(task: Task): void {
    validateTask(task);
    if (task.manager !== this) {
      return;
    }
    task.isScheduled = false;
    if (this.#tasks.remove(task) && task.byWallClock) {
      this.#byWallClock -= 1;
    }
  }

  /** Installs a task again: at its `taskTime`, or a recurring one at its next time, never at one that has passed. */
  resumeTask(task: Task): void {
    validateTask(task);
    if (task.taskTime === null) {
      throw new InvalidTaskError('task time is None: the task was never installed');
    }
    task.manager = this;
    if (task instanceof RecurringTask) {
      task.installTask();
    } else {
      this.install(task, { when: task.taskTime });
    }
  }

  /** Takes out the task that is due, if one is, and tells how many milliseconds it is until the next one. */
  getNextTask(): [task: Task | null, delta: number | null] {
    const now = this.#clock.monotonic();
    let task: Task | null = null;
    this.#follow();
    if (this.#isDue(this.#tasks.peek(), now)) {
      task = this.#take();
    }
    const next = this.#tasks.peek();
    return [task, next === undefined ? null : Math.max(0, next.due - now)];
  }

  /** Runs a task, now, and installs it again when it is a recurring one. */
  processTask(task: Task): void {
    validateTask(task);
    // Before the run, so that the task may suspend itself, and goes on when it throws.
    task.isScheduled = false;
    task.manager = this;
    const next = task.nextTime(this.getTime());
    if (next !== undefined) {
      this.install(task, { when: next }, task.context);
    }
    if (task.skips()) {
      this.#stats.skipped += 1;
      return;
    }
    this.#stats.run += 1;
    try {
      const result =
        task.context === undefined ? task.processTask() : task.context.runInAsyncScope(runTask, undefined, task);
      if (isThenable(result)) {
        task.pending();
        result.then(
          () => task.settled(),
          (error: unknown) => {
            task.settled();
            this.#fail(error, nameOf(task));
          },
        );
      }
    } catch (error) {
      this.#fail(error, nameOf(task));
    }
  }

  /** Installs a task at a time that was checked, in the async context of the caller or a given one. @internal */
  install(
    task: Task,
    at: { when: number } | { delta: number } | { due: number },
    context: AsyncResource = new AsyncResource('waitable-event.Task'),
  ): void {
    this.suspendTask(task);
    task.manager = this;
    const offset = this.#clock.offset();
    task.byWallClock = 'when' in at;
    if ('when' in at) {
      task.due = at.when - offset;
      task.taskTime = at.when;
      this.#byWallClock += 1;
      this.#loop.watchClock();
    } else {
      task.due = 'due' in at ? at.due : this.#clock.monotonic() + Math.max(0, at.delta);
      task.taskTime = task.due + offset;
    }
    task.order = this.#order;
    this.#order += 1;
    task.context = context;
    task.isScheduled = true;
    this.#tasks.push(task);
    if (this.#tasks.peek() === task) {
      this.#loop.reschedule();
    }
  }

  /** Installs a recurring task at the next point of its grid. @internal */
  installNext(task: Task): void {
    const next = task.nextTime(this.getTime());
    if (next !== undefined) {
      this.install(task, { when: next });
    }
  }

  /** Has `handler` run the tasks named `name`, instead of any handler that was defined for it before. */
  define(name: string, handler: TaskHandler): void {
    if (typeof name !== 'string') {
      throw new InvalidArgTypeError('name', 'a string', name);
    }
    validateFunction('handler', handler);
    this.#handlers.set(name, handler);
  }

  /** Schedules a named task from the manager's own thread. The payload is passed as it is. */
  schedule(name: string, payload?: unknown, options?: ScheduleOptions): void {
    if (typeof name !== 'string') {
      throw new InvalidArgTypeError('name', 'a string', name);
    }
    validateOptions(options);
    const task = new NamedTask(() => this.#callHandler(name, payload));
    task.manager = this;
    task.installTask({ ...options, ...(options?.when === undefined && { delta: options?.delta ?? 0 }) });
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
    const { run, failed, skipped, wakeUps, received } = this.#stats;
    return {
      run,
      failed,
      skipped,
      pending: this.#tasks.size,
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
    this.#follow();
    return this.#tasks.peek()?.due ?? Infinity;
  }

  /** Runs what is due now. @internal */
  runDue(): void {
    this.#follow();
    const now = this.#clock.monotonic();
    const before = this.#order;
    for (let first = this.#tasks.peek(); this.#isDue(first, now) && first.order < before; first = this.#tasks.peek()) {
      // What one of these tasks installs, and is due already, is the next pass's.
      this.processTask(this.#take());
    }
    this.#drain();
  }

  /** Tells the producers that the owner sleeps, unless there is something to do first. @internal */
  beforeSleep(): boolean {
    if (this.#handle === undefined) {
      return true;
    }
    // The order is the promise: first the word, then the queues. See `task-protocol.ts`.
    this.#rungAt[RUNG_AT] = 0;
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

  #isDue(task: Task | undefined, now: number): task is Task {
    return task !== undefined && task.due <= now;
  }

  #take(): Task {
    const task = this.#tasks.peek() as Task;
    this.suspendTask(task);
    return task;
  }

  /** Has the tasks that go by the wall clock follow it when it was set. */
  #follow(): void {
    if (this.#byWallClock === 0) {
      return;
    }
    const offset = this.#clock.offset();
    if (Math.abs(offset - this.#offset) <= CLOCK_TOLERANCE) {
      return;
    }
    const moved = this.#tasks.members().filter((task) => task.byWallClock);
    for (const task of moved) {
      this.#tasks.remove(task);
      task.due = (task.taskTime as number) - offset;
      this.#tasks.push(task);
    }
    this.#offset = offset;
  }

  #onTrigger(): void {
    this.#stats.wakeUps += 1;
    const rungAt = this.#rungAt[RUNG_AT] as number;
    if (rungAt > 0) {
      // Of the first ring since the loop slept; the others only found it rung.
      this.#wakeUpLatency.record(Math.max(1, Math.round((systemClock.monotonic() - rungAt) * 1e6)));
    }
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
      this.#stats.run += 1;
      this.#callHandler(taskName, payload);
    } else {
      this.install(new NamedTask(() => this.#callHandler(taskName, payload)), { due: time });
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

  #callHandler(name: string, payload: unknown): void {
    try {
      const handler = this.#handlers.get(name);
      if (handler === undefined) {
        throw new UnknownTaskError(name);
      }
      const result = handler(payload, { name, manager: this });
      if (isThenable(result)) {
        result.then(undefined, (error: unknown) => this.#fail(error, name));
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

/** The order of the tasks: time, then priority, then who was installed first. */
function comesBefore(a: Task, b: Task): boolean {
  if (a.due !== b.due) {
    return a.due < b.due;
  }
  return a.priority === b.priority ? a.order < b.order : a.priority < b.priority;
}

function runTask(this: unknown, ...args: unknown[]): unknown {
  return (args[0] as Task).processTask();
}

function nameOf(task: Task): string {
  return task.constructor.name;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function validateTask(task: unknown): void {
  if (!(task instanceof Task)) {
    throw new InvalidArgTypeError('task', 'a Task', task);
  }
}

function report(error: unknown, name: string): void {
  console.error(`error in the task ${JSON.stringify(name)}`, error);
}
