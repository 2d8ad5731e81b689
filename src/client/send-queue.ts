/** The queue from one producer to a manager: writes records, and waits for room. */

import {
  CONTROL_ABANDON,
  IMMEDIATELY,
  type ProducerControlBlock,
  RECORD_AT,
  RECORD_AT_VIRTUAL,
  RECORD_CONTROL,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_OPTIONS,
  type RemoteOptions,
  countPieces,
  detach,
  hashKey,
  joinClaim,
  needsLookahead,
  payloadChannelName,
  splitClaim,
  splitRecord,
} from '../protocol';
import {
  ChannelPayloadSender,
  type EncodedPayload,
  PAYLOAD_CLAIM,
  PAYLOAD_NONE,
  PayloadWriter,
  type RecordHeader,
  type RingMemory,
  type RingRecord,
  RingWriter,
  encodePayload,
  padded,
} from '../transport';
import { monotonicNow } from '../platform';
import { validateString } from '../util';
import type { Connection } from './connection';
import { IdAllocator } from './id-allocator';
import type { PendingCalls } from './pending-calls';
import { NO_TIMEOUT, NO_WAIT, type Timeout } from './timeout';

/** The queue from one producer to the manager. */
export class SendQueue {
  readonly #connection: Connection;
  readonly #control: ProducerControlBlock;
  readonly #ring: RingWriter;
  readonly #writer: PayloadWriter;
  readonly #channelName: string;
  /** The number of the channel for payloads, once one was taken, and its writing end, once the other end is open. */
  #channelNumber: number | undefined;
  #channel: ChannelPayloadSender | undefined;
  readonly #calls: PendingCalls;
  readonly #mayWait: boolean;
  readonly #ids: IdAllocator;
  /** The indices of the handlers that the manager knows by name. */
  readonly #handlers = new Map<string, number>();
  /** The handler of the last task, which is usually the next task's, too. */
  #lastName = '';
  #lastHandler = -1;
  /**
   * Whether a record of {@link SendQueue.trySendAbandon} waits for room: then the doorbell has to be set for it,
   * whichever other wait ends.
   */
  #hasAbandonWaiting = false;

  /** A thread that waits for room reads the replies of `calls` meanwhile, so that the manager has room, too. */
  constructor(connection: Connection, memory: RingMemory, channelName: string, calls: PendingCalls) {
    this.#connection = connection;
    this.#control = connection.control;
    this.#ring = new RingWriter(memory);
    this.#writer = new PayloadWriter(this.#ring);
    this.#channelName = channelName;
    this.#calls = calls;
    this.#ids = new IdAllocator((id) => calls.isPending(id));
    this.#mayWait = connection.handle.onFull === 'block';
  }

  close(): void {
    this.#channel?.close();
  }

  /** Sends a task. Returns its id. */
  send(
    flags: number,
    name: string,
    payload: unknown,
    due: number,
    options: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
    askedFor: Timeout,
  ): number {
    this.#connection.beginSend();
    const timeout = this.#mayWait ? askedFor : NO_WAIT;
    const handler =
      name === this.#lastName && this.#lastHandler >= 0 ? this.#lastHandler : this.#handlerIndex(name, timeout);
    const id = this.#ids.allocate();
    const kind = (due === IMMEDIATELY ? RECORD_NOW : this.#timedKind()) | flags;
    if (options === undefined && transfer === undefined && this.#writer.push(kind, handler, payload, due, id)) {
      this.#control.wakeOwner(due, this.#ring.isPolled);
    } else {
      const header = { kind, arg: handler, value: 0, time: due, id };
      this.#sendEncoded(header, payload, options, transfer, timeout);
    }
    return id;
  }

  /** Sends an operation on the task `id`, which the manager answers as the call `replyId`. Waits for room. */
  sendControl(operation: number, id: number, replyId: number): void {
    this.#push(controlRecord(operation, id, replyId), NO_TIMEOUT);
    this.#control.wakeOwner(IMMEDIATELY, false);
  }

  /** Sends that the call `id` was abandoned. Returns false when there is no room: the doorbell is set when there is. */
  trySendAbandon(id: number): boolean {
    const record = controlRecord(CONTROL_ABANDON, id, 0);
    const isSent = this.#tryPush(record) || this.#tryPushWaiting(record);
    this.#hasAbandonWaiting = !isSent;
    this.#stopWaiting();
    this.#control.wakeOwner(IMMEDIATELY, false);
    return isSent;
  }

  /** How many records the manager has not dequeued yet. */
  get pending(): number {
    return this.#ring.pending;
  }

  allocateId(): number {
    return this.#ids.allocate();
  }

  /** Sends a task that cannot be written in place, has options or a transfer, or has no room. */
  #sendEncoded(
    header: RecordHeader,
    payload: unknown,
    options: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
    timeout: Timeout,
  ): void {
    // Before a payload is sent through the channel, where it would stay.
    this.#throwIfFull(timeout, options === undefined ? 1 : 2, 0);
    const encoded = this.#encode(payload, timeout);
    try {
      this.#pushTask(header, encoded, options, transfer, timeout);
    } catch (error) {
      this.#withdraw(encoded);
      throw error;
    }
    this.#control.wakeOwner(header.time, false);
  }

  /** Pushes the records of a task whose payload is encoded. */
  #pushTask(
    header: RecordHeader,
    encoded: EncodedPayload,
    options: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
    timeout: Timeout,
  ): void {
    const encodedOptions = options === undefined ? undefined : this.#encode(options, timeout);
    this.#throwIfFull(
      timeout,
      this.#countRecords(encoded) + (encodedOptions === undefined ? 0 : this.#countRecords(encodedOptions)),
      paddedSize(encoded) + (encodedOptions === undefined ? 0 : paddedSize(encodedOptions)),
    );
    if (transfer !== undefined) {
      encoded.data = detach(encoded.data, transfer);
    }
    let left = timeout;
    if (encodedOptions !== undefined) {
      const keyHash = options?.key === undefined ? 0 : hashKey(options.key);
      this.#pushEncoded(
        { kind: RECORD_OPTIONS, arg: keyHash, value: 0, time: 0, id: header.id },
        encodedOptions,
        timeout,
      );
      left = NO_TIMEOUT;
    }
    this.#pushEncoded(header, encoded, left);
  }

  #encode(payload: unknown, timeout: Timeout): EncodedPayload {
    const encoded: EncodedPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined };
    encodePayload(payload, encoded, (unwritable) => this.#sendByChannel(unwritable, timeout));
    return encoded;
  }

  #sendByChannel(payload: unknown, timeout: Timeout): number {
    const number = (this.#channelNumber ??= this.#control.takeChannel());
    if (this.#channel === undefined) {
      const isOpen = (): boolean => this.#control.isChannelOpen(number);
      if (!isOpen()) {
        this.#waitUntil(isOpen, timeout);
      }
      const name = payloadChannelName(this.#connection.handle.channel, number);
      this.#channel = new ChannelPayloadSender(name, this.#channelName);
    }
    return joinClaim(number, this.#channel.send(payload));
  }

  /** Takes a payload back whose record is not in the queue. */
  #withdraw({ kind, value }: EncodedPayload): void {
    if (kind === PAYLOAD_CLAIM) {
      try {
        this.#channel?.withdraw(splitClaim(value)[1]);
        // So that the manager reads it also where its event loop stands still.
        this.#control.announcePosted();
      } catch {
        // The manager is gone, and its channels are closed.
      }
    }
  }

  #countRecords({ data }: EncodedPayload): number {
    return countPieces(data?.length ?? 0, this.#ring.largest);
  }

  /**
   * Throws before the first record when not all of them have room, and waiting is not allowed, or would not make any.
   */
  #throwIfFull(timeout: Timeout, records: number, bytes: number): void {
    const connection = this.#connection;
    // In the manager's own thread no room is made during a wait.
    const areAllNeeded = connection.isOwnThread;
    if ((timeout === NO_WAIT || areAllNeeded) && !this.#ring.hasRoom(records, bytes, areAllNeeded)) {
      this.#control.wakeOwner(IMMEDIATELY, false);
      if (timeout === NO_WAIT) {
        throw timeout.toError();
      }
      connection.throwIfOwnThread();
    }
  }

  /** Returns the index of the handler with this name, after it has told the manager the name of a new one. */
  #handlerIndex(name: string, timeout: Timeout): number {
    validateString('name', name);
    let index = this.#handlers.get(name);
    if (index === undefined) {
      index = this.#handlers.size;
      const encoded = this.#encode(name, timeout);
      const records = this.#countRecords(encoded);
      this.#throwIfFull(timeout, records, paddedSize(encoded));
      // Pieces need an id.
      const id = records > 1 ? this.allocateId() : 0;
      this.#pushEncoded({ kind: RECORD_NAME, arg: index, value: 0, time: 0, id }, encoded, timeout);
      this.#handlers.set(name, index);
    }
    this.#lastName = name;
    this.#lastHandler = index;
    return index;
  }

  /**
   * Pushes a record and its pieces. What is begun is finished: once a part is in the queue, the rest waits for room
   * without a timeout. If the wait fails, the manager drops the parts that it has: each has the id of the record that
   * it belongs to.
   */
  #pushEncoded(header: RecordHeader, { kind, value, data }: EncodedPayload, timeout: Timeout): void {
    const record: RingRecord = { ...header, kind: header.kind | kind, value, data };
    let left = timeout;
    for (const part of splitRecord(record, this.#ring.largest)) {
      this.#push(part, left);
      if (part !== record) {
        this.#control.wakeOwner(IMMEDIATELY, false);
        left = NO_TIMEOUT;
      }
    }
  }

  #push(record: RingRecord, timeout: Timeout): void {
    if (!this.#tryPush(record)) {
      this.#waitUntil(() => this.#tryPushWaiting(record), timeout);
    }
  }

  /** Waits until the manager has made `isDone` return true, for which it sets the doorbell. */
  #waitUntil(isDone: () => boolean, timeout: Timeout): void {
    const connection = this.#connection;
    this.#control.wakeOwner(IMMEDIATELY, false);
    if (timeout === NO_WAIT) {
      throw timeout.toError();
    }
    connection.throwIfOwnThread();
    this.#calls.listen();
    try {
      while (!isDone()) {
        const remaining = timeout.deadline - monotonicNow();
        if (remaining <= 0) {
          throw timeout.toError();
        }
        this.#control.wakeOwner(IMMEDIATELY, false);
        connection.activity.blockForRoom();
        connection.doorbell.wait(remaining);
        connection.activity.unblock();
        connection.doorbell.clear();
        this.#calls.readReplies();
      }
    } catch (error) {
      throw connection.toError(error);
    } finally {
      this.#stopWaiting();
    }
  }

  #stopWaiting(): void {
    if (!this.#hasAbandonWaiting) {
      this.#ring.setWaiting(false);
    }
  }

  /** Says that this thread waits, and *then* tries once more: point 4 in `transport/ring-layout.ts`. */
  #tryPushWaiting(record: RingRecord): boolean {
    this.#ring.setWaiting(true);
    return this.#tryPush(record);
  }

  #tryPush(record: RingRecord): boolean {
    return this.#ring.pushRecord(record, needsLookahead(record));
  }

  #timedKind(): number {
    return this.#connection.activity.isVirtual ? RECORD_AT_VIRTUAL : RECORD_AT;
  }
}

function controlRecord(operation: number, id: number, replyId: number): RingRecord {
  return { kind: RECORD_CONTROL, arg: replyId, value: operation, time: 0, id, data: undefined };
}

function paddedSize({ data }: EncodedPayload): number {
  return padded(data?.length ?? 0);
}
