/** What a task manager counts for one name, and publishes on diagnostics channels. */

import { type Channel, channel } from 'node:diagnostics_channel';
import type { RecordableHistogram } from 'node:perf_hooks';

import { perfHooks } from '../platform/lazy-builtins';
import { monotonicNow } from '../platform/clock';
import { recordMilliseconds } from '../util/histogram';

/** Of each name, one run in so many is measured: a measurement costs ten times as much as a small task. The first one always is. */
const SAMPLE = 64;

/** What is counted for one name: that of a handler, or the class of a task of the manager's own thread. */
export interface TaskStats {
  /** Tasks that were scheduled or installed; each run of a recurring one counts. */
  scheduled: number;
  /** Tasks that were run. */
  run: number;
  /** Tasks that threw, or whose promise was rejected. */
  failed: number;
  /** Tasks that were cancelled before they began. */
  cancelled: number;
  /** From the time a task was due to its start, in nanoseconds: of one in 64 of those that had a time. */
  lateness: RecordableHistogram;
  /** How long a run took until it returned, in nanoseconds: of one in 64. */
  runTime: RecordableHistogram;
}

/** The message on the channels `waitable-event:task:schedule`, `…:start`, `…:end` and `…:error`. */
export interface TaskMessage {
  /** The name of the task. */
  readonly name: string;
  /** What it threw, on the channel of errors. */
  readonly error?: unknown;
}

const onScheduleChannel = channel('waitable-event:task:schedule');
const onStartChannel = channel('waitable-event:task:start');
const onEndChannel = channel('waitable-event:task:end');
const onErrorChannel = channel('waitable-event:task:error');

/** The counts of one name. */
export class NameStats implements TaskStats {
  readonly name: string;
  scheduled: number = 0;
  run: number = 0;
  failed: number = 0;
  cancelled: number = 0;
  readonly lateness: RecordableHistogram = perfHooks().createHistogram();
  readonly runTime: RecordableHistogram = perfHooks().createHistogram();

  constructor(name: string) {
    this.name = name;
  }

  onSchedule(): void {
    this.scheduled += 1;
    if (onScheduleChannel.hasSubscribers) {
      this.#tell(onScheduleChannel);
    }
  }

  /** Whether the next run is one that is measured. */
  get isMeasured(): boolean {
    return this.run % SAMPLE === 0;
  }

  /** A run begins, of a task that was due `late` milliseconds ago; NaN when it had no time. Returns what {@link onEnd} wants. */
  onStart(late: number): number {
    const { isMeasured } = this;
    this.run += 1;
    if (onStartChannel.hasSubscribers) {
      this.#tell(onStartChannel);
    }
    return isMeasured ? startMeasuring(this, late) : Number.NaN;
  }

  /** The run is over that began at `start`, if that was measured. */
  onEnd(start: number): void {
    if (start >= 0) {
      endMeasuring(this, start);
    }
    if (onEndChannel.hasSubscribers) {
      this.#tell(onEndChannel);
    }
  }

  onFail(error: unknown): void {
    this.failed += 1;
    if (onErrorChannel.hasSubscribers) {
      onErrorChannel.publish({ name: this.name, error });
    }
  }

  #tell(to: Channel): void {
    to.publish({ name: this.name });
  }
}

function startMeasuring(stats: NameStats, late: number): number {
  if (late >= 0) {
    recordMilliseconds(stats.lateness, late);
  }
  return monotonicNow();
}

function endMeasuring(stats: NameStats, start: number): void {
  recordMilliseconds(stats.runTime, monotonicNow() - start);
}
