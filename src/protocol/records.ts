/** The records of the two rings between a producer and a manager: their kinds, and what their numbers mean. */

import type { TaskCarrier } from './tracing';
import type { RecordHeader, RingRecord, RingSizes, SerializedError } from '../transport';

/** What a record of a producer is: the upper bits of its kind. A task that is due immediately. */
export const RECORD_NOW = 0;
/** A task that is due at a time on the monotonic clock. */
export const RECORD_AT = 0x10;
/** The payload, a string, is the name of the handler with this index from now on. */
export const RECORD_NAME = 0x20;
/**
 * A piece of a payload that is too long for one record. The last one is in the record itself, which has the same id.
 */
export const RECORD_PIECE = 0x30;
/**
 * The rarer options of the task that follows, or the key of the operation that follows, which has the same id. Its time
 * is the priority. Or the reason of an operation, with the id as which that is answered.
 */
export const RECORD_OPTIONS = 0x40;
/** An operation on the task that has the `id`: see below. */
export const RECORD_CONTROL = 0x50;
/** A task that is due at a time on a time machine's clock. */
export const RECORD_AT_VIRTUAL = 0x60;
export const RECORD_MASK = 0x70;
/** Beside the kind of a task: its producer waits for the result. */
export const RECORD_CALL = 0x80;

/** The operation of a control record: its value. */
export const CONTROL_CANCEL = 0;
export const CONTROL_SUSPEND = 1;
export const CONTROL_RESUME = 2;
/** The producer does not wait for the result any more. */
export const CONTROL_ABANDON = 3;
/** Cancels the task with the key in the options before it. */
export const CONTROL_CANCEL_KEY = 4;
/** Asks for the manager's counts. */
export const CONTROL_COUNT = 5;

/** What a record of the manager is; pieces are as above. */
export const REPLY_RESULT = 0;
export const REPLY_ERROR = 0x10;

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
  /** What a subscriber at the sender sends along. */
  readonly carrier?: TaskCarrier;
  /** Whether the producer is told when the task is over. */
  readonly tracked?: boolean;
  /** Why an operation ends a task. It stands alone. */
  readonly reason?: SerializedError | { readonly value: unknown };
}

/** How many bytes for payloads a ring may have. */
const RING_BYTES: number = 1 << 20;

/** The sizes with which a ring begins, at most. Most connections send little, and there may be many. */
const FIRST_SLOTS = 256;
const FIRST_BYTES: number = 1 << 15;

/** Returns the sizes that the rings of a manager with this `capacity` may have. */
export function ringLimits(capacity: number): RingSizes {
  return { slots: capacity, bytes: RING_BYTES };
}

/** Returns the sizes that they have at first. */
export function firstRingSizes(capacity: number): RingSizes {
  return { slots: Math.min(capacity, FIRST_SLOTS), bytes: FIRST_BYTES };
}

/** A record's number whose meaning depends on the kind: one of the three that follow. */
interface WithArg {
  readonly arg: number;
}

/** Returns the number of a task's handler among those that its producer has named. For tasks and RECORD_NAME. */
export function handlerIndexOf(record: WithArg): number {
  return record.arg;
}

/** Returns the id of the call that a control record is answered to. For RECORD_CONTROL. */
export function replyIdOf(record: WithArg): number {
  return record.arg;
}

/** Returns the hash of the key of the task that follows, 0 when it has none. For RECORD_OPTIONS. */
export function keyHashOf(record: WithArg): number {
  return record.arg;
}

/** Returns the priority of the task that follows. For RECORD_OPTIONS. */
export function priorityOf(record: { readonly time: number }): number {
  return record.time;
}

/** Returns the record of `options`, without its payload. */
export function optionsRecord({ key, priority }: RemoteOptions, id: number): RecordHeader {
  return { kind: RECORD_OPTIONS, arg: key === undefined ? 0 : hashKey(key), value: 0, time: priority ?? 0, id };
}

/** Returns whether the record is a task. */
export function isTask(kind: number): boolean {
  const type = kind & RECORD_MASK;
  return type === RECORD_NOW || type === RECORD_AT || type === RECORD_AT_VIRTUAL;
}

/**
 * Returns whether the manager has to look ahead for a record: an operation on another task, or the options of a task
 * with a key or a priority.
 */
export function needsLookahead(record: WithArg & { readonly kind: number; readonly time: number }): boolean {
  const type = record.kind & RECORD_MASK;
  return type === RECORD_CONTROL || (type === RECORD_OPTIONS && (keyHashOf(record) !== 0 || priorityOf(record) !== 0));
}

/** Returns a number for a key, never zero. Different keys may have the same: then a task runs later than it might. */
function hashKey(key: string): number {
  let hash = key.length;
  for (let index = 0; index < key.length; index += 1) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0;
  }
  return hash === 0 ? 1 : hash;
}

/** Returns in how many records `size` bytes travel. */
export function countPieces(size: number, largest: number): number {
  return Math.max(1, Math.ceil(size / largest));
}

/**
 * Splits a record that has more than `largest` bytes. Returns what travels, in this order: pieces with the record's id,
 * and the record itself, which keeps the last bytes.
 */
export function splitRecord(record: RingRecord, largest: number): RingRecord[] {
  const { id } = record;
  const records: RingRecord[] = [];
  let rest = record.data;
  while (rest !== undefined && rest.length > largest) {
    records.push({ kind: RECORD_PIECE, arg: 0, value: 0, time: 0, id, data: rest.subarray(0, largest) });
    rest = rest.subarray(largest);
  }
  record.data = rest;
  records.push(record);
  return records;
}

/** Returns the payload of a RECORD_NAME. To load node:v8 for it would cost a thread's first task 0.9 ms. */
export function encodeName(name: string): Uint8Array {
  return Buffer.from(name, 'utf16le');
}

/** The name of tasks that no manager gets: see `client/rehearsal.ts` and `server/rehearsal.ts`. */
export const REHEARSAL = 'rehearsal';

/** Returns the name in the payload of a RECORD_NAME. Throws for what {@link encodeName} does not make. */
export function decodeName(payload: unknown): string {
  if (!(payload instanceof Uint8Array) || payload.length % 2 !== 0) {
    throw new RangeError('A name is made of 16-bit units');
  }
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf16le');
}
