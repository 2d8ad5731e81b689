/** The options of `schedule()`, and the form in which they travel to another thread. */

import { types } from 'node:util';

import {
  InvalidArgTypeError,
  validateFinite,
  validateInteger,
  validateMilliseconds,
  validateNames,
  validateOptions,
  validatePositive,
  validateString,
  validateTime,
} from '../util';
import type { RemoteOptions } from './records';
import { toCarrier } from './tracing';

/** The due time of a task that runs as soon as possible: before any time on the clock. */
export const IMMEDIATELY: number = Number.NEGATIVE_INFINITY;

/** Options of `schedule()`. */
export interface ScheduleOptions {
  /** When the task is due, on the wall clock: milliseconds since the epoch, or a Date. Wins over `delta`. */
  when?: number | Date | undefined;
  /** How many milliseconds from now the task is due, fractions allowed. */
  delta?: number | undefined;
  /**
   * Makes the task recurring: milliseconds from one run to the next, above zero, on the grid of the epoch plus
   * `offset`.
   */
  interval?: number | undefined;
  /**
   * How far the grid of a recurring task is shifted from the epoch.
   * @default 0
   */
  offset?: number | undefined;
  /**
   * Of tasks that are due at the same time, the one with the lower number runs first. So do tasks of one connection
   * that are due as soon as possible and wait in its queue. An integer from -1000000 to 1000000.
   * @default 0
   */
  priority?: number | undefined;
  /** A task with the same key that has not begun is replaced by this one. `cancelKey()` cancels it. */
  key?: string | undefined;
  /**
   * Cancels the task when it aborts, as `cancel()` does: a task that has not begun does not run, and a handler that
   * runs is told by its `context.signal`. With a signal that is aborted already, `schedule()` throws its reason.
   */
  signal?: AbortSignal | undefined;
  /** ArrayBuffers in the payload that are transferred: they are empty in this thread afterwards. */
  transfer?: ArrayBuffer[] | undefined;
}

/** The names of the options of `schedule()`. */
export const SCHEDULE_OPTIONS: readonly string[] = [
  'when',
  'delta',
  'interval',
  'offset',
  'priority',
  'key',
  'signal',
  'transfer',
];

const PRIORITY_LIMIT = 1_000_000;

/** The most negative delay counts as this one, in milliseconds: a due time of minus infinity means another thing. */
export const LONGEST_AGO = 1e15;

/** The clock that a delay counts from. */
interface DelayClock {
  now(): number;
}

/**
 * Returns when a task is due, on `clock`: {@link IMMEDIATELY} when it has no delay, and when it uses the wall clock.
 */
export function dueTime(options: ScheduleOptions, clock: DelayClock): number {
  validateOptions(options);
  validateNames('options', options, SCHEDULE_OPTIONS);
  if (options.when !== undefined || options.interval !== undefined || options.delta === undefined) {
    return IMMEDIATELY;
  }
  return clock.now() + Math.max(-LONGEST_AGO, validateMilliseconds('options.delta', options.delta));
}

/**
 * Returns the options that do not fit into a record, if there are any. `carrier` comes from a subscriber, and is no
 * option.
 *
 * @internal
 */
export function rareOptions(
  options: Omit<ScheduleOptions, 'transfer'> & Pick<RemoteOptions, 'tracked'> & { readonly carrier?: unknown },
): RemoteOptions | undefined {
  const { when, interval, offset, priority, key, signal, tracked } = options;
  if (
    when === undefined &&
    interval === undefined &&
    priority === undefined &&
    key === undefined &&
    signal === undefined &&
    tracked !== true &&
    options.carrier === undefined
  ) {
    // Most tasks with options have a delay alone.
    return undefined;
  }
  const carrier = options.carrier === undefined ? undefined : toCarrier(options.carrier);
  const rarer: { -readonly [K in keyof RemoteOptions]: RemoteOptions[K] } = {};
  if (when !== undefined) {
    rarer.when = validateTime('options.when', when);
  }
  if (interval !== undefined) {
    rarer.interval = validatePositive('options.interval', interval);
    rarer.offset = offset === undefined ? 0 : validateFinite('options.offset', offset);
  }
  if (priority !== undefined) {
    rarer.priority = validateInteger('options.priority', priority, -PRIORITY_LIMIT, PRIORITY_LIMIT);
  }
  if (key !== undefined) {
    rarer.key = validateString('options.key', key);
  }
  if (carrier !== undefined) {
    rarer.carrier = carrier;
  }
  if (signal !== undefined || tracked === true) {
    rarer.tracked = true;
  }
  return Object.keys(rarer).length === 0 ? undefined : rarer;
}

/** Returns the ArrayBuffers to move, if there are any. */
export function validateTransfer(transfer: unknown): readonly ArrayBuffer[] | undefined {
  if (transfer === undefined) {
    return undefined;
  }
  // A port or the like would be detached from the caller, and could not be sent.
  if (!Array.isArray(transfer) || !transfer.every((buffer) => types.isArrayBuffer(buffer))) {
    throw new InvalidArgTypeError('options.transfer', 'a list of ArrayBuffers', transfer);
  }
  return transfer;
}

/** Detaches ArrayBuffers from this thread, and returns the bytes to send, which may have been in one of them. */
export function detach(data: Uint8Array | undefined, transfer: readonly ArrayBuffer[]): Uint8Array | undefined {
  const isMoved = data !== undefined && transfer.includes(data.buffer as ArrayBuffer);
  const moved = structuredClone(isMoved ? data : undefined, { transfer: [...transfer] });
  return isMoved ? moved : data;
}
