/** Where a manager takes in what other threads have for it: made when its handle is asked for. */

import type { RecordableHistogram } from 'node:perf_hooks';

import { perfHooks, workerThreads } from '../platform/lazy-builtins';
import { systemClock } from '../platform/clock';
import { TaskManagerClosedError } from '../util/errors';
import { WaitableEvent, closeWithThread } from '../event';
import { ProducerSet } from './producer-set';
import { fast } from '../platform/binding';
import type { OwnerControlBlock } from '../protocol/control-block';
import type { RecordHandler } from './producer';
import { recordMilliseconds } from '../util/histogram';
import type { TaskManagerHandle } from '../protocol/handle';

/** How long, in milliseconds, a pass goes on with those who block for answers. */
const CALL_BURST = 0.25;

/** What a receiver needs of its manager's options and loop. */
interface ReceiverSettings {
  readonly host: {
    addInternal(channel: WaitableEvent): void;
    removeInternal(channel: WaitableEvent): void;
    requestPass(): void;
  };
  readonly capacity: number;
  readonly onFull: 'block' | 'throw';
}

/** What a manager has for other threads; nothing before its handle was asked for. */
interface Threads {
  readonly producerSet: ProducerSet;
  readonly trigger: WaitableEvent;
}

/** The inbox of a manager, and the trigger by which producers wake its loop. */
export class Receiver {
  /** How often the loop was woken. */
  wakeUps = 0;
  readonly #settings: ReceiverSettings;
  readonly #control: OwnerControlBlock;
  readonly #handler: RecordHandler;
  #handle: TaskManagerHandle | undefined;
  #threads: Threads | undefined;
  #isInRun = false;
  #wakeUpLatency: RecordableHistogram | undefined;
  #isClosed = false;

  constructor(settings: ReceiverSettings, control: OwnerControlBlock, handler: RecordHandler) {
    this.#settings = settings;
    this.#control = control;
    this.#handler = handler;
  }

  /** What another thread needs to connect. Throws `ERR_TASK_MANAGER_CLOSED` when it is asked for first after the end. */
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

  /** How many payloads had begun to come when their thread ended. */
  get incomplete(): number {
    return this.#threads?.producerSet.incomplete ?? 0;
  }

  /** How many tasks were in the queues when the manager was closed. */
  get dropped(): number {
    return this.#threads?.producerSet.dropped ?? 0;
  }

  /** From the first ringing of a producer to the loop's answer, in nanoseconds. */
  get wakeUpLatency(): RecordableHistogram {
    return (this.#wakeUpLatency ??= perfHooks().createHistogram());
  }

  /** Takes over what other threads had scheduled when it began, unless a time machine does that; returns whether there was something. */
  drain(): boolean {
    const producerSet = this.#threads?.producerSet;
    if (producerSet === undefined || this.#isInRun) {
      return false;
    }
    const hasTaken = producerSet.drain(this.#control.consumePosted());
    if (!producerSet.consumeAnswered()) {
      return hasTaken;
    }
    // What asks next may run tasks also where nothing was there at first: the answer was given when the trigger rang.
    this.#serveCallBurst(producerSet);
    return true;
  }

  /** Takes over what other threads have sent, for a time machine. */
  read(): void {
    this.#threads?.producerSet.drain(this.#control.consumePosted());
  }

  /** Tells the producers that the owner sleeps until `armedUntil()`, unless there is something to do first: false then. */
  beforeSleep(armedUntil: () => number): boolean {
    const producerSet = this.#threads?.producerSet;
    if (producerSet === undefined || this.#isInRun) {
      return true;
    }
    if (producerSet.hasReadMany()) {
      // Producers are at it. On a core that they share with this thread, the first task after the word would wake it, and it
      // would find that one task (measured: a wake-up for every 400 tasks, 17 ns of 127 for each task). So they go first.
      fast.yieldThread();
      if (!producerSet.isEmpty()) {
        return false;
      }
    }
    // The order is the promise: first the word, then the bit in each queue, then the look into it. See `task-protocol.ts`.
    this.#control.markAsleep(armedUntil());
    producerSet.setPolling(false);
    const isIdle = !this.#control.hasPosted && producerSet.isEmpty();
    if (!isIdle) {
      this.#markAwake();
    }
    return isIdle;
  }

  /** Has whatever producers send ring, as nobody looks for it. */
  listen(): void {
    if (!this.beforeSleep(() => Infinity)) {
      // There is something already.
      this.#threads?.trigger.set();
    }
  }

  /** Begins a journey: until {@link Receiver.endRun}, {@link Receiver.read} alone takes what is sent. */
  beginRun(): void {
    // Threads need not ring for what they send; they ring when they come to rest.
    this.#markAwake();
    this.#isInRun = true;
  }

  endRun(): void {
    this.#isInRun = false;
    this.#settings.host.requestPass();
  }

  /** Has threads ring when they come to rest, or no longer. */
  awaitQuiescence(isAwaiting: boolean): void {
    this.#control.awaitQuiescence(isAwaiting);
  }

  /** The threads that are at work. */
  busyThreads(): number[] {
    if (this.#threads === undefined) {
      return [];
    }
    const { producerSet } = this.#threads;
    if (this.#control.consumePosted()) {
      producerSet.fetch();
    }
    // A thread that has made room for more of its results rests, and rings.
    producerSet.flush();
    return producerSet.busyThreads();
  }

  close(): void {
    const isOpen = !this.#isClosed;
    this.#isClosed = true;
    if (isOpen && this.#threads !== undefined) {
      const { trigger, producerSet } = this.#threads;
      this.#settings.host.removeInternal(trigger);
      trigger.close();
      producerSet.close();
    }
  }

  #open(): TaskManagerHandle {
    const { host, capacity, onFull } = this.#settings;
    const trigger = new WaitableEvent();
    trigger.handleRead = () => this.#onTrigger(trigger);
    trigger[closeWithThread]();
    host.addInternal(trigger);
    const channel = `waitable-event.task-manager.${trigger.handle.key}`;
    const producerSet = new ProducerSet(channel, this.#handler, () => host.requestPass());
    this.#threads = { producerSet, trigger };
    this.#control.markAsleep(Infinity);
    return Object.freeze({
      trigger: trigger.handle,
      control: this.#control.memory,
      channel,
      threadId: workerThreads().threadId,
      capacity,
      onFull,
    });
  }

  #onTrigger(trigger: WaitableEvent): void {
    this.wakeUps += 1;
    const { notifiedAt } = this.#control;
    if (notifiedAt > 0) {
      // Of the first ring since the loop slept; the others only found it rung.
      recordMilliseconds(this.wakeUpLatency, systemClock.monotonic() - notifiedAt);
    }
    // In this order: see `task-protocol.ts`.
    this.#markAwake();
    trigger.clear();
    this.drain();
  }

  #markAwake(): void {
    this.#control.markAwake();
    this.#threads?.producerSet.setPolling(true);
  }

  /**
   * Goes on with who blocks for one answer after the other: he has the next question ready when he has been let run, and a turn of
   * Node's event loop for each would cost more than all the rest (measured on one core: 10 µs a call instead of 4). Not for long:
   * others wait, too.
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
