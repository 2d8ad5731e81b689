/** The handle of a task manager: what another thread needs to connect. */

import { types } from 'node:util';

import type { EventHandle } from '../event';
import { InvalidArgTypeError, InvalidHandleError } from '../util';
import { CONTROL_BYTES } from './control-block';
import type { UntypedHandlers } from './handler-types';
import { areSeats } from './seats';

/**
 * How another thread finds a task manager: structured-cloneable, through `workerData` or `postMessage()`. `Handlers` is
 * an interface of the manager's handlers, for the compiler.
 */
export interface TaskManagerHandle<Handlers = UntypedHandlers> {
  /** The event that wakes the manager's loop. */
  readonly trigger: EventHandle;
  /** The words that both sides watch. */
  readonly control: SharedArrayBuffer;
  /** The name of the channel on which producers introduce themselves. */
  readonly channel: string;
  /** The thread that owns the manager. */
  readonly threadId: number;
  /** How many records may wait, for each producer. */
  readonly capacity: number;
  /** What a producer does when its queue is full, unless it chose something else itself. */
  readonly onFull?: 'block' | 'throw' | undefined;
  /** Memory for connections, on runtimes where a thread that blocks cannot read the channel. */
  readonly seats?: unknown;
  /** Carries the types of the handlers. It never has a value. */
  readonly handlers?: Handlers | undefined;
}

/** How few and how many records may wait: powers of two. */
export const MIN_CAPACITY = 2;
export const MAX_CAPACITY: number = 1 << 20;

/** Returns whether a value is a choice of what happens when a queue is full, or none. */
export function isOnFull(value: unknown): value is 'block' | 'throw' | undefined {
  return value === undefined || value === 'block' || value === 'throw';
}

/**
 * Returns a handle that has the right form, and throws `ERR_INVALID_HANDLE` for anything else: the caller may have it
 * from anywhere. Whether its manager still exists is found out when its event is opened.
 */
export function validateHandle(value: unknown): TaskManagerHandle {
  if (typeof value !== 'object' || value === null || !('trigger' in value) || !('control' in value)) {
    throw new InvalidArgTypeError('handle', 'the `handle` of a TaskManager', value);
  }
  const handle = value as Partial<TaskManagerHandle>;
  const { control, capacity, channel, threadId, trigger, onFull, seats } = handle;
  if (
    !types.isSharedArrayBuffer(control) ||
    control.byteLength !== CONTROL_BYTES ||
    typeof capacity !== 'number' ||
    !Number.isInteger(Math.log2(capacity)) ||
    capacity < MIN_CAPACITY ||
    capacity > MAX_CAPACITY ||
    typeof channel !== 'string' ||
    typeof threadId !== 'number' ||
    typeof trigger !== 'object' ||
    trigger === null ||
    !isOnFull(onFull) ||
    !(seats === undefined || areSeats(seats, capacity))
  ) {
    throw new InvalidHandleError('task manager');
  }
  return handle as TaskManagerHandle;
}
