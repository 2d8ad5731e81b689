/** waitable-event/testing: virtual time for tests, BACpypes' time machine. */

import { InvalidArgTypeError, InvalidArgValueError, type RunLoop, core } from './index';
import type { Clock } from './src/clock';
import { validateMilliseconds, validateOptions } from './src/validate';

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
   * The loop whose tasks and deferred functions live in virtual time.
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

/**
 * Takes the clock of a loop's tasks over: time stands still until `run()`, which jumps from one task to the next. A task that is due
 * exactly at the limit does not run. Deferred functions run between tasks, at the same virtual time.
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

  constructor(options?: TimeMachineOptions) {
    validateOptions(options);
    this.#loop = options?.loop ?? core;
    this.#now = toTime('options.start', options?.start ?? 0);
    // Nobody sets this clock, so the two are one.
    this.#clock = { monotonic: () => this.#now, offset: () => 0 };
    this.#loop.taskManager.useClock(this.#clock);
  }

  /** The virtual time, in milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** Starts anew at another time. Tasks that are installed keep theirs. */
  reset(start: TimeLike = 0): void {
    this.#now = toTime('start', start);
  }

  /** Travels, running what is due on the way, and ends exactly at the limit. */
  run(options: TravelOptions): void {
    validateOptions(options);
    const limit = this.#limitOf(options);
    const manager = this.#loop.taskManager;
    // What was deferred before, and is due already.
    this.#loop.runOnce();
    for (let due = manager.nextDue(); due < limit || this.#loop.hasDeferred; due = manager.nextDue()) {
      if (due < limit) {
        this.#now = Math.max(this.#now, due);
      }
      this.#loop.runOnce();
    }
    this.#now = Math.max(this.#now, limit);
  }

  /** Gives the loop the system's clock back. */
  restore(): void {
    this.#loop.taskManager.useClock(undefined);
  }

  /** `restore()`, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.restore();
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
