/** waitable-event/testing: virtual time for tests, BACpypes' time machine. */

import { InvalidArgTypeError, InvalidArgValueError, LoopRunningError, type RunLoop, core } from './index';
import type { Clock } from './src/clock';
import type { Lockstep } from './src/lockstep';
import { validateInteger, validateMilliseconds, validateOptions } from './src/validate';

/** A time: milliseconds since the epoch, a Date, or a string as `'2026-01-31 13:05:00.25'`, in local time. */
export type TimeLike = number | Date | string;

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
export interface TravelOptions {
  /** How many milliseconds to travel. */
  duration?: number;
  /** The time to travel to. */
  stopTime?: TimeLike;
}

/** Options of `timeMachine.runAsync()`. */
export interface TravelTogetherOptions extends TravelOptions {
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
const PATIENCE = 30_000;

/**
 * Takes the clock of a loop's tasks over: time stands still until `run()`, or `runAsync()`, which jumps from one task to the next.
 * A task that is due exactly at the limit does not run. Deferred functions run between tasks, at the same virtual time.
 *
 * @example
 * using machine = new TimeMachine({ start: '2026-01-01 00:00' });
 * const ticks: number[] = [];
 * new RecurringFunctionTask(60_000, () => ticks.push(machine.now)).installTask();
 * machine.run({ duration: 3_600_000 }); // an hour, at once: 59 ticks, because the limit is exclusive
 */
export class TimeMachine {
  readonly #loop: RunLoop;
  readonly #clock: Clock;
  /** Milliseconds since the epoch. */
  #now = 0;
  #isTravelling = false;
  #isRestored = false;

  constructor(options?: TimeMachineOptions) {
    validateOptions(options);
    this.#loop = options?.loop ?? core;
    // Nobody sets this clock, so the two are one.
    this.#clock = { monotonic: () => this.#now, offset: () => 0 };
    this.#now = toTime('options.start', options?.start ?? 0);
    // Made by whoever asks for it first.
    void this.#loop.taskManager;
    this.#loop.time.useClock(this.#clock);
  }

  /** The virtual time, in milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** Starts anew at another time. Tasks that are installed keep theirs. */
  reset(start: TimeLike = 0): void {
    this.#setTime(toTime('start', start));
  }

  /**
   * Travels, running what is due on the way, and ends exactly at the limit. Other threads are not waited for, nor are promises: see
   * {@link TimeMachine.runAsync}. Throws `ERR_LOOP_RUNNING` while another journey is under way.
   */
  run(options: TravelOptions): void {
    validateOptions(options);
    const limit = this.#limitOf(options);
    this.#begin();
    try {
      const { time } = this.#loop;
      // What was deferred before, and is due already.
      this.#loop.runOnce();
      for (let due = time.firstDue(); due < limit || this.#loop.hasDeferred; due = time.firstDue()) {
        if (due < limit) {
          this.#setTime(Math.max(this.#now, due));
        }
        this.#loop.runOnce();
      }
      this.#setTime(Math.max(this.#now, limit));
    } finally {
      this.#isTravelling = false;
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
   * Rejects with `ERR_TIME_STALLED` when threads are at work for longer than `options.timeout`, with `ERR_LOOP_RUNNING` while another
   * journey is under way, and with `ERR_TASK_MANAGER_CLOSED` when all managers are closed.
   */
  async runAsync(options: TravelTogetherOptions): Promise<void> {
    validateOptions(options);
    const limit = this.#limitOf(options);
    const { connections = 0, timeout = PATIENCE } = options;
    validateInteger('options.connections', connections, 0, 2 ** 31);
    validateMilliseconds('options.timeout', timeout);
    this.#begin();
    const threads = this.#loop.time.beginJourney();
    try {
      // oxlint-disable-next-line no-await-in-loop -- one moment after the other
      while (await this.#advance(limit, () => threads.rest(connections, timeout), threads)) {
        // Each moment is all there is to it.
      }
      if (!this.#isRestored) {
        this.#setTime(Math.max(this.#now, limit));
      }
    } finally {
      this.#loop.time.endJourney();
      this.#isTravelling = false;
    }
  }

  /** Gives the loop the system's clock back, for other threads too. A journey that is under way ends where it is. */
  restore(): void {
    this.#isRestored = true;
    this.#loop.time.useClock(undefined);
  }

  /** `restore()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.restore();
  }

  /** Does what there is to do at this moment or, when that was nothing, goes on to the next one. False at the end of the journey. */
  async #advance(limit: number, rest: () => Promise<void>, threads: Lockstep): Promise<boolean> {
    this.#loop.runOnce();
    // This thread's promises, and what they lead to.
    await turn();
    if (this.#hasWork()) {
      return true;
    }
    await rest();
    if (threads.hasMail) {
      threads.takeMail();
      return true;
    }
    if (this.#isRestored) {
      return false;
    }
    // Meanwhile this thread was not asleep.
    if (this.#hasWork()) {
      return true;
    }
    const due = this.#loop.time.firstDue();
    if (due < limit) {
      this.#setTime(due);
    }
    return due < limit;
  }

  #hasWork(): boolean {
    return !this.#isRestored && (this.#loop.hasDeferred || this.#loop.time.firstDue() <= this.#now);
  }

  #begin(): void {
    if (this.#isTravelling) {
      throw new LoopRunningError();
    }
    this.#isTravelling = true;
  }

  #setTime(now: number): void {
    this.#now = now;
    if (!this.#isRestored) {
      this.#loop.time.advance();
    }
  }

  #limitOf({ duration, stopTime }: TravelOptions): number {
    if (duration !== undefined) {
      return this.#now + validateMilliseconds('options.duration', duration);
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

const TIME = /^(?:(\d{4})-(\d{1,2})-(\d{1,2}))?\s*(?:(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,2}))?)?)?$/;

/** Milliseconds since the epoch. A date that is left out of a string is today's, a time midnight. */
function toTime(name: string, time: TimeLike): number {
  if (time instanceof Date) {
    return validateMilliseconds(name, time.getTime());
  }
  if (typeof time !== 'string') {
    return validateMilliseconds(name, time);
  }
  const match = TIME.exec(time.trim());
  if (match === null || time.trim() === '') {
    throw new InvalidArgValueError(name, "a time such as '2026-01-31 13:05:00.25'", time);
  }
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part: string | undefined) => Number(part ?? 0));
  const hundredths = Number((match[7] ?? '0').padEnd(2, '0'));
  const today = new Date();
  const date =
    match[1] === undefined
      ? new Date(today.getFullYear(), today.getMonth(), today.getDate())
      : new Date(year as number, (month as number) - 1, day);
  date.setHours(hour as number, minute, second, hundredths * 10);
  return date.getTime();
}
