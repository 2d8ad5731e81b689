/** What a task manager and its producers in other threads have in common. */

import { types } from 'node:util';

import { InvalidHandleError } from '../util/errors';
import type { EventHandle } from '../event/waitable-event';
import type { RingMemory } from '../transport/ring-layout';

/** How another thread finds a task manager: structured-cloneable, through `workerData` or `postMessage()`. */
export interface TaskManagerHandle {
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
  /** What a producer does when its queue is full. */
  readonly onFull: 'block' | 'throw';
}

/** How many records may wait, at the least and at the most: a power of two. */
export const MIN_CAPACITY = 2;
export const MAX_CAPACITY: number = 1 << 20;

/** A handle that could be one: who has it may have had it from anywhere. Whether somebody owns it, its event tells. */
export function validateHandle(value: unknown): TaskManagerHandle {
  const handle = value as Partial<TaskManagerHandle> | null | undefined;
  const { control, capacity, channel, threadId, trigger, onFull } = handle ?? {};
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
    (onFull !== 'block' && onFull !== 'throw')
  ) {
    throw new InvalidHandleError('task manager');
  }
  return handle as TaskManagerHandle;
}

/** How a producer introduces itself. */
export interface Introduction {
  /** From the producer to the manager, and back. */
  readonly ring: RingMemory;
  readonly replies: RingMemory;
  /**
   * Set by the manager when there are replies, and when a producer that waits for room may go on. Closed when either side's
   * thread ends.
   */
  readonly doorbell: EventHandle;
  /** The name of the channel for results that only a channel carries. */
  readonly channel: string;
  /** Where it tells a time machine whether it has come to rest: see `activity.ts`. */
  readonly activity: SharedArrayBuffer;
  /** The thread, and which of its producers it is. */
  readonly threadId: number;
  readonly number: number;
}

/** What comes over a channel: a producer, or a payload for whoever has the ticket. */
export type ChannelMessage =
  | { readonly introduction: Introduction }
  | { readonly from: string; readonly claim: number; readonly payload: unknown };

/**
 * Index of the word that says whether the owner of the manager has to be woken: odd while it sleeps, and another number each time.
 *
 * The owner stores that it sleeps and *then* looks into the queues once more; a producer moves its queue's head and *then* loads
 * the word. Both are sequentially consistent, so at least one of them sees the other: either the owner finds the record, or the
 * producer finds it asleep and sets the trigger.
 *
 * The load is left out by a producer that finds no bit in its queue's head when it moves that (`ring.ts`). The owner sets the bit
 * between the two: so whoever does not find it has moved the head before, and the owner's look comes after. Whoever finds it
 * loads the word as if there were no bit, so it does no harm where it is left set.
 *
 * A producer does not store that the owner is awake: it could be terminated between
 * that and the trigger, and nobody would ever wake the owner again.
 *
 * A producer that has set the trigger need not do so again while it reads the same number: the owner stores another one before it
 * clears the trigger, and looks into the queues after that, so it finds what was there when the old number was read.
 */
export const OWNER_STATE = 0;
export const ASLEEP_BIT = 1;

/** Index of the word that a producer sets when it has posted its introduction, and the owner clears before it fetches. */
export const POSTED = 1;

/** Index, as a double, of the time at which a producer last rang. */
export const NOTIFIED_AT = 1;
/** Index, as a double, of the time until which the owner sleeps at most. */
export const ARMED_UNTIL = 2;
/** Index of the word that says that the manager lives in a time machine's time. */
export const IS_VIRTUAL = 6;
/** Index of the word that says that a time machine waits for threads to come to rest. */
export const IS_AWAITING_QUIESCENCE = 7;
/** Index, as a double, of the virtual time. */
export const VIRTUAL_NOW = 4;
/** The size of the control words. */
export const CONTROL_BYTES = 40;

/** What a record is: the upper bits of its kind. A task that is due at once. */
export const RECORD_NOW = 0;
/** A task that is due at a time on the monotonic clock. */
export const RECORD_AT = 0x10;
/** The payload, a string, is what the number in `name` stands for from now on. */
export const RECORD_NAME = 0x20;
/** A piece of a payload that is too long for one record; the last one is in the task's own record, which has the same id. */
export const RECORD_PIECE = 0x30;
/** The rarer options of the task that follows, which has the same id. */
export const RECORD_OPTIONS = 0x40;
/** Something to be done with the task that has the `id`: see below. The answer goes to the call in `name`. */
export const RECORD_CONTROL = 0x50;
/** A task that is due at a time on a time machine's clock. */
export const RECORD_AT_VIRTUAL = 0x60;
export const RECORD_MASK = 0x70;
/** Beside the kind of a task: somebody waits for its result. */
export const RECORD_CALL = 0x80;

/** The values of a control record. */
export const CONTROL_CANCEL = 0;
export const CONTROL_SUSPEND = 1;
export const CONTROL_RESUME = 2;
/** Nobody waits for the result any more. */
export const CONTROL_ABANDON = 3;

/** What a reply is. */
export const REPLY_RESULT = 0;
export const REPLY_ERROR = 0x10;
export const REPLY_PIECE = 0x30;

/** What a cancel is answered with. */
export type CancelOutcome = 'cancelled' | 'running' | 'done';
export const CANCEL_OUTCOMES: readonly CancelOutcome[] = ['cancelled', 'running', 'done'];

/** The rarer options of a task. */
export interface RemoteOptions {
  readonly when?: number;
  readonly interval?: number;
  readonly offset?: number;
  readonly priority?: number;
  readonly key?: string;
}

/** Bytes for payloads in each queue. */
export const RING_BYTES: number = 1 << 20;
