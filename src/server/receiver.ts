/** Receives what other threads send to a manager. Nothing is made before the manager's handle is asked for. */

import type { RecordableHistogram } from 'node:perf_hooks';

import { WaitableEvent, closeWithThread } from '../event';
import {
  type OwnerControlBlock,
  type TaskManagerHandle,
  addBlockingManager,
  removeBlockingManager,
  updateTracing,
} from '../protocol';
import {
  LateHistogram,
  canReadChannels,
  fast,
  nodeProcess,
  setTimeout,
  systemClock,
  workerThreads,
  reserveStack,
} from '../platform';
import { EventClosedError, InvalidArgValueError, TaskManagerClosedError } from '../util';
import type { RecordHandlers } from './producer';
import type { ProducerSet } from './producer-set';
import type * as parts from './receiving';

/** How long, in milliseconds, a pass continues with producers that block for replies. */
const CALL_BURST = 0.25;

/** How long, in milliseconds, what was sent waits for the first pass before a warning says so. */
const NOT_RUN_LIMIT = 1000;

/** The longest pause between two looks for that: a process that is idle for long is left alone. */
const LONGEST_PAUSE = 60_000;

/** The code of the warnings about tasks that wait for a loop. */
const NOT_RUNNING = 'WAITABLE_EVENT_NOT_RUNNING';

/** The receivers of this thread. They are weak: a manager that was dropped is collected. */
const receivers = new Set<WeakRef<Receiver>>();
let isExitWatched = false;

/** Loads what receives from other threads. */
const receiving = (): typeof parts => require('./receiving') as typeof parts;

/** What a receiver needs of the loop that runs its manager. */
export interface ReceiverHost {
  /** Adds a channel of the loop's own. */
  addInternal(channel: WaitableEvent): void;
  /** Removes it. */
  removeInternal(channel: WaitableEvent): void;
  /** Makes the loop run a pass soon. */
  requestPass(): void;
}

/** What a receiver needs of its manager's settings. */
export interface ReceiverSettings extends Pick<TaskManagerHandle, 'capacity'> {
  readonly host: ReceiverHost;
  readonly onFull: TaskManagerHandle['onFull'];
}

/** What there is once the handle was asked for. */
interface Threads {
  readonly producerSet: ProducerSet;
  readonly trigger: WaitableEvent;
}

/** The event by which producers wake the loop. */
class Trigger extends WaitableEvent {
  readonly #onSet: () => void;

  constructor(onSet: () => void) {
    super();
    this.#onSet = onSet;
  }

  override handleRead(): void {
    this.#onSet();
  }
}

/** The manager's end of its connections. */
export class Receiver {
  /** How often producers have woken the loop. */
  wakeUps = 0;
  readonly #manager: object;
  #settings: ReceiverSettings;
  readonly #control: OwnerControlBlock;
  readonly #handlers: RecordHandlers;
  #handle: TaskManagerHandle | undefined;
  #threads: Threads | undefined;
  #isInRun = false;
  /** How many passes have read what was sent. */
  #passes = 0;
  #isWatched = false;
  #hasWarned = false;
  readonly #wakeUpLatency = new LateHistogram();
  #isClosed = false;
  readonly #findBlocked = (threadId: number): (() => void)[] => {
    const producerSet = this.#threads?.producerSet;
    if (producerSet !== undefined && this.#control.consumePosted()) {
      producerSet.fetch();
    }
    return producerSet?.findBlocked(threadId) ?? [];
  };

  /** `manager` is what the diagnostics channels name. */
  constructor(manager: object, settings: ReceiverSettings, control: OwnerControlBlock, handlers: RecordHandlers) {
    this.#manager = manager;
    this.#settings = settings;
    this.#control = control;
    this.#handlers = handlers;
  }

  /** Changes settings. Throws when the handle was read: other threads may have it. */
  configure(changes: Partial<ReceiverSettings>): void {
    if (this.#handle !== undefined) {
      throw new InvalidArgValueError(
        'options',
        'without `capacity` and `onFull` once the handle was read',
        'other ones',
      );
    }
    this.#settings = { ...this.#settings, ...changes };
  }

  /** What another thread needs to connect. Throws `ERR_TASK_MANAGER_CLOSED` after `close()`. */
  get handle(): TaskManagerHandle {
    if (this.#isClosed) {
      throw new TaskManagerClosedError();
    }
    return (this.#handle ??= this.#open());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get threads(): Threads | undefined {
    return this.#threads;
  }

  /** How many tasks came from other threads. */
  get received(): number {
    return this.#threads?.producerSet.received ?? 0;
  }

  /** Of how many tasks a part had arrived when their thread ended. */
  get incomplete(): number {
    return this.#threads?.producerSet.incomplete ?? 0;
  }

  /** How many tasks were in the queues when the manager was closed. */
  get dropped(): number {
    return this.#threads?.producerSet.dropped ?? 0;
  }

  /** From the first notification of a producer to the loop's answer, in nanoseconds. */
  get wakeUpLatency(): RecordableHistogram {
    return this.#wakeUpLatency.histogram;
  }

  /**
   * Reads what other threads had sent when it began, unless a time machine does that ({@link Receiver.read}). The
   * loop calls it in each pass, and the trigger when no pass has answered it. Returns whether there was anything to do.
   */
  drain(): boolean {
    const threads = this.#threads;
    if (threads === undefined || this.#isInRun) {
      return false;
    }
    const { producerSet, trigger } = threads;
    this.#passes += 1;
    updateTracing();
    // The loop passes over its tasks before its channels. Answered here, the trigger is clear when its turn comes.
    const isNotified = this.#control.isNotified;
    if (isNotified) {
      this.#answer(trigger);
    }
    const hasRead = producerSet.drain(this.#control.consumePosted());
    if (!producerSet.consumeAnswered()) {
      return hasRead || isNotified;
    }
    // Replies were sent, perhaps by an earlier call of this: the next calls of these producers may be here now.
    this.#serveCallBurst(producerSet);
    return true;
  }

  /** Reads what other threads have sent, for a time machine. */
  read(): void {
    this.#passes += 1;
    updateTracing();
    this.#threads?.producerSet.drain(this.#control.consumePosted());
  }

  /**
   * Tells the producers that the owner sleeps until `armedUntil()`; returns false when there is something to do first.
   */
  beforeSleep(armedUntil: () => number): boolean {
    const producerSet = this.#threads?.producerSet;
    if (producerSet === undefined || this.#isInRun) {
      return true;
    }
    if (producerSet.hasReadMany()) {
      // Producers are sending. On a core that they share with this thread, the first task after the word would wake it,
      // and it would find that one task (measured: a wake-up for every 400 tasks, 17 ns of 127 for each task). So they
      // run first.
      fast.yieldThread();
      if (!producerSet.isEmpty()) {
        return false;
      }
    }
    // First the word, then the bit in each queue, then the look into each queue: see `protocol/control-block.ts`.
    this.#control.markAsleep(armedUntil());
    producerSet.setPolling(false);
    const isIdle = !this.#control.hasPosted && producerSet.isEmpty();
    if (!isIdle) {
      this.#markAwake();
    }
    return isIdle;
  }

  /** Makes producers set the trigger for whatever they send, because no pass looks for it. */
  listen(): void {
    if (!this.beforeSleep(() => Infinity)) {
      // There is something already.
      this.#threads?.trigger.set();
    }
  }

  /**
   * Begins a run in virtual time: until {@link Receiver.endRun}, only {@link Receiver.read} reads what is sent.
   */
  beginRun(): void {
    // Threads set the trigger when they become quiescent, and need not for what they send.
    this.#markAwake();
    this.#isInRun = true;
  }

  endRun(): void {
    this.#isInRun = false;
    this.#settings.host.requestPass();
  }

  /** Makes threads set the trigger when they become quiescent, or no longer. */
  awaitQuiescence(isAwaiting: boolean): void {
    this.#control.awaitQuiescence(isAwaiting);
  }

  /** Returns the threads that are busy. */
  busyThreads(): number[] {
    if (this.#threads === undefined) {
      return [];
    }
    const { producerSet } = this.#threads;
    if (this.#control.consumePosted()) {
      producerSet.fetch();
    }
    // A thread whose replies wait for room may be quiescent as soon as it has made some, and sets the trigger then.
    producerSet.flush();
    return producerSet.busyThreads();
  }

  close(): void {
    const isOpen = !this.#isClosed;
    this.#isClosed = true;
    if (isOpen && this.#threads !== undefined) {
      const { trigger, producerSet } = this.#threads;
      removeBlockingManager(this.#findBlocked);
      this.#settings.host.removeInternal(trigger);
      trigger.close();
      producerSet.close();
    }
  }

  #open(): TaskManagerHandle {
    reserveStack();
    const { host, capacity, onFull } = this.#settings;
    const trigger = new Trigger(() => this.#onTrigger(trigger));
    trigger[closeWithThread]();
    host.addInternal(trigger);
    const channel = `waitable-event.task-manager.${trigger.handle.key}`;
    const { ProducerSet, makeSeats } = receiving();
    const seats = canReadChannels ? undefined : makeSeats(capacity);
    const producerSet = new ProducerSet(
      this.#manager,
      channel,
      seats ?? [],
      capacity,
      this.#control,
      this.#handlers,
      () => host.requestPass(),
    );
    this.#threads = { producerSet, trigger };
    addBlockingManager(this.#findBlocked);
    this.#control.markAsleep(Infinity);
    warnAtExit(this);
    this.watch();
    return Object.freeze({
      trigger: trigger.handle,
      control: this.#control.memory,
      channel,
      threadId: workerThreads().threadId,
      capacity,
      onFull,
      ...(seats === undefined ? {} : { seats }),
    });
  }

  /**
   * Watches what is sent until the loop makes its next pass: the loop does not run. Warns once when tasks have waited
   * for a second.
   */
  watch(): void {
    if (this.#threads !== undefined && !this.#isWatched && !this.#hasWarned) {
      this.#isWatched = true;
      this.#watchLater(this.#passes, false, NOT_RUN_LIMIT);
    }
  }

  #watchLater(passes: number, hadTasks: boolean, pause: number): void {
    // Weak: a timer must not keep a manager that was dropped, with the descriptors of its loop.
    const reference = new WeakRef(this);
    setTimeout(() => {
      const receiver = reference.deref();
      if (receiver !== undefined) {
        receiver.#watch(passes, hadTasks, pause);
      }
    }, pause).unref();
  }

  #watch(passes: number, hadTasks: boolean, pause: number): void {
    if (this.#isClosed || this.#passes !== passes) {
      this.#isWatched = false;
      return;
    }
    // A producer that is not known yet may have sent some.
    const hasTasks = this.#control.hasPosted || (this.#threads?.producerSet.countTasks() ?? 0) > 0;
    if (!hasTasks || !hadTasks) {
      this.#watchLater(passes, hasTasks, hasTasks ? NOT_RUN_LIMIT : Math.min(2 * pause, LONGEST_PAUSE));
      return;
    }
    this.#hasWarned = true;
    nodeProcess.emitWarning(
      'Tasks were sent to a task manager whose loop does not run. They wait until run() is called: ' +
        'await core.run(), or that of the loop of the manager.',
      { code: NOT_RUNNING },
    );
  }

  /** Whether a warning has said that tasks wait. */
  get hasWarned(): boolean {
    return this.#hasWarned;
  }

  /** Returns how many tasks are in the queues of all threads but one. */
  countUnread(exceptOf: number): number {
    if (this.#threads === undefined || this.#isClosed) {
      return 0;
    }
    const { producerSet } = this.#threads;
    if (this.#control.consumePosted()) {
      producerSet.fetch();
    }
    return producerSet.countTasks(exceptOf);
  }

  /**
   * Answers a trigger that no pass has answered: where the loop blocks for its channels, and where it passes over them
   * alone.
   */
  #onTrigger(trigger: WaitableEvent): void {
    this.#answer(trigger);
    this.drain();
  }

  /** Counts a wake-up, and says that the owner is awake. The caller looks into the queues. */
  #answer(trigger: WaitableEvent): void {
    this.wakeUps += 1;
    const notifiedAt = this.#control.consumeNotifiedAt();
    if (notifiedAt > 0) {
      // The first notification in this sleep counts: later ones did not wake the loop.
      this.#wakeUpLatency.record(systemClock.monotonic() - notifiedAt);
    }
    // First the word, then the trigger, then the look into the queues: see `protocol/control-block.ts`.
    this.#markAwake();
    try {
      trigger.clear();
    } catch (error) {
      // The loop tells a channel that another thread has closed.
      if (!(error instanceof EventClosedError)) {
        throw error;
      }
    }
  }

  #markAwake(): void {
    this.#control.markAwake();
    this.#threads?.producerSet.setPolling(true);
  }

  /**
   * Continues with producers that block for one reply after the other. Such a producer has its next call ready after it
   * was allowed to run, and an iteration of Node's event loop for each call would cost more than all the rest (measured
   * on one core: 10 µs a call instead of 4). Not for long: others wait, too.
   */
  #serveCallBurst(producerSet: ProducerSet): void {
    const end = systemClock.monotonic() + CALL_BURST;
    let goesOn = true;
    while (goesOn && systemClock.monotonic() < end) {
      fast.yieldThread();
      producerSet.drain(this.#control.consumePosted());
      goesOn = producerSet.consumeAnswered();
    }
  }
}

/** Warns when this thread ends and a receiver has tasks of other threads that were not read. */
function warnAtExit(receiver: Receiver): void {
  if (!isExitWatched) {
    isExitWatched = true;
    nodeProcess.once('exit', () => {
      const { threadId } = workerThreads();
      let tasks = 0;
      for (const reference of receivers) {
        const each = reference.deref();
        tasks += each === undefined || each.hasWarned ? 0 : each.countUnread(threadId);
      }
      if (tasks > 0) {
        const message =
          `Tasks that other threads have sent did not run: ${tasks}. Their task manager was not closed, and its loop ` +
          'does not run any more. End the threads first, or close the manager: run({ close: true }).';
        // emitWarning() would emit it in the next iteration of the event loop, and there is none.
        nodeProcess.emit('warning', Object.assign(new Error(message), { name: 'Warning', code: NOT_RUNNING }));
      }
    });
  }
  receivers.forEach((reference) => {
    if (reference.deref()?.isClosed !== false) {
      receivers.delete(reference);
    }
  });
  receivers.add(new WeakRef(receiver));
}
