/** Virtual time for tests: BACpypes' time machine. */

import { type LoopHost, RunLoop, core, loopHost } from '../run-loop';
import type { Barrier } from '../virtual-time';
import { type Clock, setImmediate, reserveStack } from '../platform';
import {
  InvalidArgTypeError,
  InvalidArgValueError,
  LoopRunningError,
  TimeMachineRestoredError,
  TimeStalledError,
  validateBoolean,
  validateFinite,
  validateInteger,
  validateMilliseconds,
  validateOptions,
} from '../util';
import { type TimeLike, toTime } from './parse-time';

/** Options of `new TimeMachine()`. */
export interface TimeMachineOptions {
  /**
   * The initial time.
   * @default the beginning of 1970, UTC
   */
  start?: TimeLike | undefined;
  /**
   * The loop whose time becomes virtual: that of the tasks of all its managers, and of its deferred functions.
   * @default this thread's own loop, `core`
   */
  loop?: RunLoop | undefined;
  /**
   * What a task that fails during a run does: `'throw'` ends the run, which throws the error; `'report'` passes the
   * error to `onError` of the task's manager, as outside of virtual time.
   * @default 'throw'
   */
  onError?: 'throw' | 'report' | undefined;
}

/** Options of `timeMachine.restore()`. */
export interface TimeMachineRestoreOptions {
  /**
   * Whether to remove all tasks that wait in the loop's managers, so that none runs in real time.
   * @default false
   */
  clear?: boolean | undefined;
}

/** Options of `timeMachine.run()`: one of the two. `duration` takes precedence. */
export interface TimeMachineRunOptions {
  /** How many milliseconds of virtual time to run. */
  duration?: number | undefined;
  /** The virtual time at which the run ends. */
  stopTime?: TimeLike | undefined;
}

/** Options of `timeMachine.runAsync()`. */
export interface TimeMachineRunAsyncOptions extends TimeMachineRunOptions {
  /**
   * How many connections other threads must have made to the loop's managers before time begins to pass. A worker takes
   * a while to start. Connections that have ended count too. From 0 to 2147483648.
   * @default 0
   */
  connections?: number | undefined;
  /**
   * Maximum real time, in milliseconds, for which threads may be busy at one moment of virtual time.
   * @default 30000
   */
  timeout?: number | undefined;
}

/** The default timeout, in milliseconds of real time. */
const DEFAULT_TIMEOUT = 30_000;

/** The maximum number of passes at one moment. A million small ones take a second. */
const MAX_PASSES = 1_000_000;

/** The time machine of each loop. */
const machines = new WeakMap<RunLoop, TimeMachine>();

/**
 * Makes the time of a loop's tasks virtual. Time stands still until `run()` or `runAsync()`, which jumps from one task
 * to the next. Follows BACpypes' `time_machine`.
 *
 * A task that is due exactly at the end of a run does not run. Deferred functions run between tasks, at the same
 * virtual time. A loop has one time machine: making another one restores the first.
 *
 * @example
 * using machine = new TimeMachine({ start: '2026-01-01 00:00' });
 * const ticks: number[] = [];
 * new RecurringFunctionTask(60_000, () => ticks.push(machine.now)).installTask();
 * machine.run({ duration: 3_600_000 }); // an hour, without waiting: 59 ticks, because the end is exclusive
 */
export class TimeMachine {
  readonly #loop: RunLoop;
  readonly #host: LoopHost;
  readonly #clock: Clock;
  /** The virtual time, in milliseconds since the epoch. */
  #now = 0;
  /** The number of passes since time last moved. */
  #passes = 0;
  #isInRun = false;
  #isRestored = false;
  readonly #throwsErrors: boolean;
  /** The first error of a task in this run. */
  #failure: { readonly error: unknown } | undefined;

  /**
   * Makes the loop's time virtual, at `options.start`. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for
   * invalid options.
   */
  constructor(options?: TimeMachineOptions) {
    reserveStack();
    validateOptions(options);
    const { loop = core, start = 0, onError = 'throw' } = options ?? {};
    if (onError !== 'throw' && onError !== 'report') {
      throw new InvalidArgValueError('options.onError', "'throw' or 'report'", onError);
    }
    if (!(loop instanceof RunLoop)) {
      throw new InvalidArgTypeError('options.loop', 'a RunLoop', loop);
    }
    const time = toTime('options.start', start);
    machines.get(loop)?.restore();
    machines.set(loop, this);
    this.#loop = loop;
    this.#host = loop[loopHost];
    // No program sets this clock, so monotonic and wall time are the same.
    this.#clock = { monotonic: () => this.#now, offset: () => 0 };
    this.#now = time;
    this.#throwsErrors = onError === 'throw';
    // The first access makes the manager, so that it joins virtual time now.
    void loop.taskManager;
    this.#host.clock.useClock(this.#clock);
  }

  /** Returns the virtual time, in milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /**
   * Sets the virtual time. Installed tasks keep their times. Throws `ERR_TIME_MACHINE_RESTORED` after `restore()`, and
   * `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for a value that is no time.
   * @param start Default: the beginning of 1970, UTC.
   */
  reset(start: TimeLike = 0): void {
    reserveStack();
    const time = toTime('start', start);
    this.#refuseWhenRestored();
    this.#setTime(time);
  }

  /**
   * Runs what is due until the end of the run, moves the time from task to task, and stops exactly at the end. If the
   * end is not after the present, only deferred functions run. It waits neither for other threads nor for promises: see
   * {@link TimeMachine.runAsync}.
   *
   * Throws what a task throws, or what its promise rejects with, unless `onError` is `'report'`. Time stands where the
   * task failed, and the next run continues there. Further errors of the same pass are reported.
   *
   * Throws `ERR_LOOP_RUNNING` while another run is in progress, and `ERR_TIME_MACHINE_RESTORED` after `restore()`.
   * Throws `ERR_TIME_STALLED` after a million passes at one moment, for example because a function always defers
   * itself. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid options.
   *
   * @example
   * machine.run({ stopTime: '2026-01-02 00:00' });
   */
  run(options: TimeMachineRunOptions): void {
    reserveStack();
    validateOptions(options);
    const limit = this.#limitOf(options);
    this.#begin();
    try {
      while (this.#moveToNext(limit)) {
        this.#pass(limit);
      }
      this.#finish(limit);
    } finally {
      this.#end();
    }
  }

  /**
   * Runs as `run()` does, together with the threads that are connected to the loop's task managers. Time stands still
   * while one of them is busy, and jumps when all are quiescent.
   *
   * A thread is quiescent when it is blocked in `callSync()` or has ended. It is also quiescent when two iterations of
   * its event loop have passed in which it sent nothing and read no result. What threads send at one moment is read in
   * the order of the threads, so each run is like the one before. This thread's promises are settled between tasks.
   *
   * Timers, files and messages that a thread waits for do not keep it busy. The timeouts of calls run in real time.
   *
   * Rejects with `ERR_TIME_STALLED` when threads are busy for longer than `options.timeout`, and with
   * `ERR_TASK_MANAGER_CLOSED` when all managers are closed. Rejects with what `run()` throws, too.
   *
   * @example
   * await machine.runAsync({ duration: 60_000, connections: 1 }); // with one worker, for one minute
   */
  async runAsync(options: TimeMachineRunAsyncOptions): Promise<void> {
    reserveStack();
    validateOptions(options);
    const limit = this.#limitOf(options);
    const { connections = 0, timeout = DEFAULT_TIMEOUT } = options;
    validateInteger('options.connections', connections, 0, 2 ** 31);
    validateMilliseconds('options.timeout', timeout);
    this.#begin();
    const barrier = this.#host.clock.beginRun();
    try {
      // oxlint-disable-next-line no-await-in-loop -- one moment follows the other
      while (await this.#advance(limit, () => barrier.awaitQuiescence(connections, timeout), barrier)) {
        // The condition does the work of each moment.
      }
      this.#finish(limit);
    } finally {
      this.#host.clock.endRun();
      this.#end();
    }
  }

  /**
   * Gives the loop and other threads the system's clock again. A run in progress ends where it is. Restoring twice is
   * allowed. Tasks that wait keep their times on the wall clock, unless `options.clear` removes them.
   */
  restore(options?: TimeMachineRestoreOptions): void {
    reserveStack();
    validateOptions(options);
    validateBoolean('options.clear', options?.clear);
    if (this.#isRestored) {
      return;
    }
    this.#isRestored = true;
    machines.delete(this.#loop);
    if (options?.clear === true) {
      this.#host.clock.clear();
    }
    this.#host.clock.useClock(undefined);
  }

  /** Calls `restore()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.restore();
  }

  /**
   * Does the work of this moment or, when there is none, moves to the next one. Returns false at the end of the run.
   */
  async #advance(limit: number, awaitQuiescence: () => Promise<void>, barrier: Barrier): Promise<boolean> {
    this.#pass(limit);
    // This settles the promises of this thread, and runs what follows from them.
    await nextIteration();
    this.#throwFailure();
    if (this.#hasWork(limit)) {
      return true;
    }
    await awaitQuiescence();
    if (barrier.hasPending) {
      barrier.readPending();
      return true;
    }
    // This thread ran during the wait, and may have installed tasks.
    return this.#moveToNext(limit);
  }

  /** Returns whether there is work at this moment. */
  #hasWork(limit: number): boolean {
    return !this.#isRestored && (this.#host.hasDeferred || this.#nextDue(limit) <= this.#now);
  }

  /** Returns when the next task of this run is due; `Infinity` when there is none. */
  #nextDue(limit: number): number {
    const due = this.#now < limit ? this.#host.clock.firstDue() : limit;
    return due < limit ? due : Infinity;
  }

  /** Does the work of this moment once. */
  #pass(limit: number): void {
    this.#passes += 1;
    if (this.#passes > MAX_PASSES) {
      const cause = 'some function always defers itself, or some task always installs itself without delay';
      throw new TimeStalledError(`for ${MAX_PASSES} passes: ${cause}`);
    }
    if (this.#now < limit) {
      this.#loop.runOnce();
    } else {
      this.#host.runDeferred();
    }
    this.#throwFailure();
  }

  /** Moves to the next moment with work, which may be this one. Returns false when this run has none. */
  #moveToNext(limit: number): boolean {
    if (this.#isRestored || this.#host.hasDeferred) {
      return !this.#isRestored;
    }
    const due = this.#nextDue(limit);
    if (due > this.#now && due < Infinity) {
      this.#setTime(due);
    }
    return due < Infinity;
  }

  /** Moves to the end of the run. */
  #finish(limit: number): void {
    if (!this.#isRestored) {
      this.#setTime(Math.max(this.#now, limit));
    }
  }

  /** Begins a run. */
  #begin(): void {
    this.#refuseWhenRestored();
    if (this.#isInRun) {
      throw new LoopRunningError();
    }
    this.#isInRun = true;
    this.#passes = 0;
    if (this.#throwsErrors) {
      this.#host.clock.interceptErrors((error) => this.#onTaskError(error));
    }
  }

  /** Ends a run. */
  #end(): void {
    this.#isInRun = false;
    this.#failure = undefined;
    if (this.#throwsErrors) {
      this.#host.clock.interceptErrors(undefined);
    }
  }

  /** Takes the first error of a pass. The managers report the others. */
  #onTaskError(error: unknown): boolean {
    const isFirst = this.#failure === undefined;
    this.#failure ??= { error };
    return isFirst;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
  }

  #refuseWhenRestored(): void {
    if (this.#isRestored) {
      throw new TimeMachineRestoredError();
    }
  }

  /** Sets the virtual time, here and for other threads. */
  #setTime(now: number): void {
    this.#now = now;
    this.#passes = 0;
    if (!this.#isRestored) {
      this.#host.clock.advance();
    }
  }

  /** Returns the virtual time at which a run ends. */
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

/** Waits for the next iteration of Node's event loop. */
function nextIteration(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
