/** The replies to one producer. */

import { canReadChannels } from '../platform';
import { REPLY_ERROR, REPLY_RESULT, splitRecord } from '../protocol';
import {
  ChannelPayloadSender,
  type EncodedPayload,
  PAYLOAD_BYTES,
  PAYLOAD_NONE,
  PayloadWriter,
  type RingMemory,
  type RingRecord,
  RingWriter,
  encodePayload,
  serializeError,
} from '../transport';
import type { RemoteThreadActivity } from '../virtual-time';

/**
 * Knows for which calls the producer waits, and sends their results. Keeps what has no room, and sends it when there is
 * some.
 */
export class ReplySender {
  readonly #ring: RingWriter;
  readonly #writer: PayloadWriter;
  readonly #activity: RemoteThreadActivity;
  readonly #notify: () => void;
  readonly #channel: ChannelPayloadSender;
  /** Calls whose result the producer waits for. */
  readonly #calls = new Set<number>();
  /** Tasks whose end the producer waits for; a recurring task ends when it is cancelled. */
  readonly #tracked = new Set<number>();
  /** Replies that wait for room. */
  readonly #waiting: RingRecord[] = [];
  readonly #encoded: EncodedPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined };
  #hasAnsweredPoller = false;

  /** `notify` is called when there is something to read, unless the producer polls. */
  constructor(memory: RingMemory, channel: string, activity: RemoteThreadActivity, notify: () => void) {
    this.#channel = new ChannelPayloadSender(channel, channel);
    this.#ring = new RingWriter(memory, canReadChannels ? (area) => this.#channel.send(area) : undefined);
    this.#writer = new PayloadWriter(this.#ring);
    this.#activity = activity;
    this.#notify = notify;
  }

  /** Whether there are replies that the producer has not read. */
  get hasUnread(): boolean {
    return this.#waiting.length > 0 || !this.#ring.isReadTo(this.#ring.position);
  }

  /** Learns that the producer waits for the result of a call. */
  expect(id: number): void {
    this.#calls.add(id);
  }

  /** Learns that the producer does not wait for a call any more. */
  abandon(id: number): void {
    this.#calls.delete(id);
  }

  /** Learns that the producer waits for nothing any more. */
  abandonAll(): void {
    this.#calls.clear();
    this.#tracked.clear();
  }

  /** Learns that the producer waits for the end of a task, and not for its result. */
  expectEnd(id: number): void {
    this.#tracked.add(id);
  }

  /** Says that a task is over, if its producer waits for that. */
  sendEnd(id: number): void {
    if (this.#tracked.delete(id)) {
      this.#activity.onSend();
      this.#send(REPLY_RESULT, id, undefined);
    }
  }

  /** Sends the result of a task, if its producer waits for it. */
  reply(id: number, result: unknown): void {
    // Most tasks are no calls, and a lookup costs more than the task.
    if (this.#calls.size > 0) {
      this.#replyToCall(id, result);
    }
  }

  /** Sends what a task threw, if its producer waits for the result; returns whether it does. */
  replyError(id: number, error: unknown): boolean {
    const isAwaited = this.#calls.delete(id);
    if (isAwaited) {
      this.#activity.onSend();
      this.#sendError(id, error);
    }
    return isAwaited;
  }

  /**
   * Returns whether a reply was sent, since the last call of this, to a producer that polls for it: it may send again
   * immediately.
   */
  consumeAnswered(): boolean {
    const hasAnsweredPoller = this.#hasAnsweredPoller;
    this.#hasAnsweredPoller = false;
    return hasAnsweredPoller;
  }

  /** Sends the replies that wait for room. */
  flush(): void {
    if (this.#waiting.length > 0) {
      this.#flush();
    }
  }

  #replyToCall(id: number, result: unknown): void {
    if (this.#calls.delete(id)) {
      this.#activity.onSend();
      try {
        this.#send(REPLY_RESULT, id, result);
      } catch (error) {
        // The result cannot be cloned: that is an error of the call.
        this.#sendError(id, error);
      }
    }
  }

  #sendError(id: number, error: unknown): void {
    this.#send(REPLY_ERROR, id, serializeError(error));
  }

  #send(kind: number, id: number, payload: unknown): void {
    // In their order: a reader that has not read the first reply does not know the shapes of the second.
    if (this.#waiting.length === 0 && this.#writer.push(kind, 0, payload, 0, id)) {
      this.#announce();
      return;
    }
    const encoded = this.#encoded;
    encodePayload(payload, encoded, (unwritable) => this.#channel.send(unwritable));
    const { value, data } = encoded;
    const isBytes = encoded.kind === PAYLOAD_BYTES;
    const largest = this.#ring.largestFor(data?.length ?? 0);
    const records = splitRecord({ kind: kind | encoded.kind, arg: 0, value, time: 0, id, data }, largest);
    this.#waiting.push(...records);
    this.#flush();
    if (isBytes) {
      // What still waits is copied, because the handler may write to its buffer.
      const waiting = this.#waiting;
      for (let last = waiting.length - 1; last >= 0 && waiting[last]?.id === id; last -= 1) {
        const record = waiting[last] as RingRecord;
        record.data = record.data === undefined ? undefined : new Uint8Array(record.data);
      }
    }
  }

  #flush(): void {
    this.#sendWaiting();
    if (this.#waiting.length > 0) {
      // WAITING is stored before the room is tried again: point 4 in `transport/ring-layout.ts`.
      this.#ring.setWaiting(true);
      this.#sendWaiting();
    }
    if (this.#waiting.length === 0) {
      this.#ring.setWaiting(false);
    }
  }

  #sendWaiting(): void {
    const sent = this.#waiting.findIndex((record) => !this.#ring.pushRecord(record, false));
    const count = sent < 0 ? this.#waiting.length : sent;
    if (count > 0) {
      this.#waiting.splice(0, count);
      this.#announce();
    }
  }

  #announce(): void {
    if (this.#ring.isPolled) {
      this.#hasAnsweredPoller = true;
    } else {
      this.#notify();
    }
  }
}
