/** The counts of a task manager for one name, and its diagnostics channel. */

import { channel } from 'node:diagnostics_channel';
import type { RecordableHistogram } from 'node:perf_hooks';
import { LateHistogram, monotonicNow } from '../platform';
import type { TaskCounts } from '../protocol';

/**
 * One run in so many is measured, for each name: a measurement costs ten times as much as a small task. The first run
 * always is.
 */
const SAMPLE = 64;

/** The counts of one name, and what was measured. */
export interface TaskStats extends TaskCounts {
  /**
   * Nanoseconds from the time at which a task was due until its start, for one run in 64. Tasks without a time are not
   * measured.
   */
  lateness: RecordableHistogram;
  /** Nanoseconds from the start of a run until the task returned, for one run in 64. */
  runTime: RecordableHistogram;
}

/** The message on the diagnostics channel `waitable-event:task:schedule`: a manager has got a task. */
export interface TaskMessage {
  /** The name of the task. */
  readonly name: string;
}

const onScheduleChannel = channel('waitable-event:task:schedule');

/** Returns whether a subscriber learns of each task. */
export function isScheduleObserved(): boolean {
  return onScheduleChannel.hasSubscribers;
}

/** Counts the tasks of one name, and publishes them on the diagnostics channel. */
export class NameStats implements TaskStats {
  readonly name: string;
  scheduled: number = 0;
  run: number = 0;
  failed: number = 0;
  cancelled: number = 0;
  readonly #lateness = new LateHistogram();
  readonly #runTime = new LateHistogram();

  constructor(name: string) {
    this.name = name;
  }

  get lateness(): RecordableHistogram {
    return this.#lateness.histogram;
  }

  get runTime(): RecordableHistogram {
    return this.#runTime.histogram;
  }

  /** Counts a task that was scheduled or installed. */
  onSchedule(): void {
    this.scheduled += 1;
    if (onScheduleChannel.hasSubscribers) {
      onScheduleChannel.publish({ name: this.name });
    }
  }

  /** Returns whether the next run is measured. */
  get isMeasured(): boolean {
    return this.run % SAMPLE === 0;
  }

  /**
   * Counts the start of a run. The task was due `late` milliseconds ago; NaN means that it had no time. Returns the
   * argument for {@link onEnd}.
   */
  onStart(late: number): number {
    const { isMeasured } = this;
    this.run += 1;
    return isMeasured ? this.#startMeasuring(late) : Number.NaN;
  }

  /** Ends a run. `start` is what {@link onStart} has returned. */
  onEnd(start: number): void {
    if (start >= 0) {
      this.#runTime.record(monotonicNow() - start);
    }
  }

  #startMeasuring(late: number): number {
    if (late >= 0) {
      this.#lateness.record(late);
    }
    return monotonicNow();
  }

  /** Counts a task that was cancelled. */
  onCancel(): void {
    this.cancelled += 1;
  }

  /** Undoes {@link NameStats.onSchedule} for a task that is about to be counted again. */
  onReschedule(): void {
    this.scheduled -= 1;
  }

  /** Counts a run that failed. */
  onFail(): void {
    this.failed += 1;
  }
}

/**
 * The counts of a name that has no handler. They go into those of all such names, and nothing of the name is kept:
 * other threads can make up as many as they like.
 */
export class UnknownNameStats extends NameStats {
  readonly #all: NameStats;

  constructor(name: string, all: NameStats) {
    super(name);
    this.#all = all;
  }

  override get isMeasured(): boolean {
    return false;
  }

  override onSchedule(): void {
    super.onSchedule();
    this.#all.scheduled += 1;
  }

  override onReschedule(): void {
    this.#all.scheduled -= 1;
  }

  override onStart(late: number): number {
    this.#all.run += 1;
    return super.onStart(late);
  }

  override onCancel(): void {
    this.#all.cancelled += 1;
  }

  override onFail(): void {
    this.#all.failed += 1;
    super.onFail();
  }
}
