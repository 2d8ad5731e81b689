/** Virtual time for tests: BACpypes' time machine. */

import { type Clock } from '../platform/clock';
import { setImmediate } from '../platform/real-timers';
import { type LoopHost, RunLoop, core, loopHost } from '../run-loop';
import { InvalidArgTypeError, LoopRunningError, TimeMachineRestoredError, TimeStalledError } from '../util/errors';
import { validateFinite, validateInteger, validateMilliseconds, validateOptions } from '../util/validate';
import type { Barrier } from '../virtual-time';
import { type TimeLike, toTime } from './parse-time';

/** Options of `new TimeMachine()`. */
export interface TimeMachineOptions {
  /**
   * The time at which it starts.
   * @default the beginning of 1970, UTC
   */
  start?: TimeLike;
  /**
   * The loop whose tasks, of all its managers, and deferred functions live in virtual time.
   * @default this thread's own loop, `core`
   */
  loop?: RunLoop;
}

/** Options of `timeMachine.run()`: one of the two. */
export interface TimeMachineRunOptions {
  /** How many milliseconds to travel. */
  duration?: number;
  /** The time to travel to. */
  stopTime?: TimeLike;
}

/** Options of `timeMachine.runAsync()`. */
export interface TimeMachineRunAsyncOptions extends TimeMachineRunOptions {
  /**
   * How many connections other threads must have made to the loop's managers before time begins to pass: a worker takes a while to start.
   * Those that have ended count too.
   * @default 0
   */
  connections?: number;
  /**
   * For how many milliseconds of real time threads may be at work at one moment of virtual time.
   * @default 30000
   */
  timeout?: number;
}

/** Real milliseconds. */
const DEFAULT_TIMEOUT = 30_000;

/** How many passes there may be at one moment. A million small ones take a second. */
const MAX_PASSES = 1_000_000;

/** In whose hands the time of a loop is. */
const machines = new WeakMap<RunLoop, TimeMachine>();

/**
 * Takes the clock of a loop's tasks over: time stands still until `run()`, or `runAsync()`, which jumps from one task to the next.
 * A task that is due exactly at the limit does not run. Deferred functions run between tasks, at the same virtual time.
 *
 * A loop's time is in the hands of one machine: making another one restores the first.
 *
 * @example
 * using machine = new TimeMachine({ start: '2026-01-01 00:00' });
 * const ticks: number[] = [];
 * new RecurringFunctionTask(60_000, () => ticks.push(machine.now)).installTask();
 * machine.run({ duration: 3_600_000 }); // an hour, at once: 59 ticks, because the limit is exclusive
 */
export class TimeMachine {
  readonly #loop: RunLoop;
  readonly #host: LoopHost;
  readonly #clock: Clock;
  /** Milliseconds since the epoch. */
  #now = 0;
  /** How many passes there were since time moved. */
  #passes = 0;
  #isInRun = false;
  #isRestored = false;

  constructor(options?: TimeMachineOptions) {
    validateOptions(options);
    const { loop = core, start = 0 } = options ?? {};
    if (!(loop instanceof RunLoop)) {
      throw new InvalidArgTypeError('options.loop', 'a RunLoop', loop);
    }
    const time = toTime('options.start', start);
    machines.get(loop)?.restore();
    machines.set(loop, this);
    this.#loop = loop;
    this.#host = loop[loopHost];
    // Nobody sets this clock, so the two are one.
    this.#clock = { monotonic: () => this.#now, offset: () => 0 };
    this.#now = time;
    // Made by whoever asks for it first.
    void loop.taskManager;
    this.#host.clock.useClock(this.#clock);
  }

  /** The virtual time, in milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** Starts anew at another time. Tasks that are installed keep theirs. Throws `ERR_TIME_MACHINE_RESTORED` after `restore()`. */
  reset(start: TimeLike = 0): void {
    const time = toTime('start', start);
    this.#refuseWhenRestored();
    this.#setTime(time);
  }

  /**
   * Travels, running what is due on the way, and ends exactly at the limit. Other threads are not waited for, nor are promises: see
   * {@link TimeMachine.runAsync}. When the limit is not after the present, there is no time in which a task could run, and only
   * deferred functions do.
   *
   * Throws `ERR_LOOP_RUNNING` while another journey is under way, `ERR_TIME_MACHINE_RESTORED` after `restore()`, and
   * `ERR_TIME_STALLED` after a million passes at one moment: a function that always defers itself, say.
   */
  run(options: TimeMachineRunOptions): void {
    validateOptions(options);
    const limit = this.#limitOf(options);
    this.#begin();
    try {
      while (this.#goOn(limit)) {
        this.#pass(limit);
      }
      this.#arrive(limit);
    } finally {
      this.#isInRun = false;
    }
  }

  /**
   * Travels together with the threads that are connected to the loop's task managers: time stands still while one of them is at
   * work, and jumps when all have come to rest, which they have when they are blocked in `callSync()`, when their event loop
   * has turned around with nothing sent and no result taken, or when they have ended. What they send at one moment is taken in the order of
   * the threads, so each journey is like the one before. Between tasks this thread's promises are settled.
   *
   * Timers, files and messages that a thread waits for are not looked at, and the timeouts of calls go on in real time.
   *
   * Rejects with `ERR_TIME_STALLED` when threads are at work for longer than `options.timeout`, with `ERR_TASK_MANAGER_CLOSED` when all
   * managers are closed, and with what `run()` throws.
   */
  async runAsync(options: TimeMachineRunAsyncOptions): Promise<void> {
    validateOptions(options);
    const limit = this.#limitOf(options);
    const { connections = 0, timeout = DEFAULT_TIMEOUT } = options;
    validateInteger('options.connections', connections, 0, 2 ** 31);
    validateMilliseconds('options.timeout', timeout);
    this.#begin();
    const threads = this.#host.clock.beginRun();
    try {
      // oxlint-disable-next-line no-await-in-loop -- one moment after the other
      while (await this.#advance(limit, () => threads.rest(connections, timeout), threads)) {
        // Each moment is all there is to it.
      }
      this.#arrive(limit);
    } finally {
      this.#host.clock.endRun();
      this.#isInRun = false;
    }
  }

  /** Gives the loop the system's clock back, for other threads too. A journey that is under way ends where it is. */
  restore(): void {
    if (this.#isRestored) {
      return;
    }
    this.#isRestored = true;
    machines.delete(this.#loop);
    this.#host.clock.useClock(undefined);
  }

  /** `restore()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.restore();
  }

  /** Does what there is to do at this moment or, when that was nothing, goes on to the next one. False at the end of the journey. */
  async #advance(limit: number, rest: () => Promise<void>, threads: Barrier): Promise<boolean> {
    this.#pass(limit);
    // This thread's promises, and what they lead to.
    await turn();
    if (this.#hasWork(limit)) {
      return true;
    }
    await rest();
    if (threads.hasPending) {
      threads.readPending();
      return true;
    }
    // Meanwhile this thread was not asleep.
    return this.#goOn(limit);
  }

  /** Whether there is something to do at this moment. */
  #hasWork(limit: number): boolean {
    return !this.#isRestored && (this.#host.hasDeferred || this.#nextDue(limit) <= this.#now);
  }

  /** When the next task is due that runs on this journey; Infinity when there is none. */
  #nextDue(limit: number): number {
    const due = this.#now < limit ? this.#host.clock.firstDue() : limit;
    return due < limit ? due : Infinity;
  }

  /** Does what there is to do at this moment, once. */
  #pass(limit: number): void {
    this.#passes += 1;
    if (this.#passes > MAX_PASSES) {
      throw new TimeStalledError(
        `for ${MAX_PASSES} passes: some function always defers itself, or some task always installs itself without delay`,
      );
    }
    if (this.#now < limit) {
      this.#loop.runOnce();
    } else {
      this.#host.runDeferred();
    }
  }

  /** Goes on to the next moment at which there is something to do, which may be this one; false when there is none on this journey. */
  #goOn(limit: number): boolean {
    if (this.#isRestored || this.#host.hasDeferred) {
      return !this.#isRestored;
    }
    const due = this.#nextDue(limit);
    if (due > this.#now && due < Infinity) {
      this.#setTime(due);
    }
    return due < Infinity;
  }

  #arrive(limit: number): void {
    if (!this.#isRestored) {
      this.#setTime(Math.max(this.#now, limit));
    }
  }

  #begin(): void {
    this.#refuseWhenRestored();
    if (this.#isInRun) {
      throw new LoopRunningError();
    }
    this.#isInRun = true;
    this.#passes = 0;
  }

  #refuseWhenRestored(): void {
    if (this.#isRestored) {
      throw new TimeMachineRestoredError();
    }
  }

  #setTime(now: number): void {
    this.#now = now;
    this.#passes = 0;
    if (!this.#isRestored) {
      this.#host.clock.advance();
    }
  }

  #limitOf(options: TimeMachineRunOptions | undefined): number {
    const { duration, stopTime } = options ?? {};
    if (duration !== undefined) {
      return this.#now + validateFinite('options.duration', duration);
    }
    if (stopTime === undefined) {
      throw new InvalidArgTypeError('options', 'an object with duration or stopTime', undefined);
    }
    return toTime('options.stopTime', stopTime);
  }
}

/** One turn of Node's event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
