/** The producer's side of the queue to a manager: puts records in, and waits for room. */

import type { PendingCalls } from './pending-calls';
import type { Connection } from './connection';
import { monotonicNow } from '../platform/clock';
import { needsLookahead, keyHashOf } from '../server/lookahead';
import { IdAllocator } from './id-allocator';
import { type EncodedPayload, PAYLOAD_NONE, PayloadWriter, encodePayload } from '../transport/payload';
import { NO_TIMEOUT, NO_WAIT, type Timeout } from './timeout';
import { SideChannel } from '../transport/side-channel';
import { RingWriter, type RingMemory, padded } from '../transport/ring-layout';
import { IMMEDIATELY, move } from '../protocol/schedule-options';
import {
  RECORD_AT,
  RECORD_AT_VIRTUAL,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_OPTIONS,
  RECORD_PIECE,
  type RemoteOptions,
} from '../protocol/handle';
import { validateString } from '../util/validate';

/** The queue from one producer to the manager. */
export class SendQueue {
  readonly #connection: Connection;
  readonly #ring: RingWriter;
  readonly #writer: PayloadWriter;
  readonly #channel: string;
  readonly #calls: PendingCalls;
  readonly #mayWait: boolean;
  readonly #ids: IdAllocator;
  readonly #names = new Map<string, number>();
  /** The name that was used last, which is the next one's too as a rule. */
  #lastName = '';
  #lastNumber = -1;
  readonly #sendByChannel = (payload: unknown): number => this.#sendPayload(payload);
  #claims = 0;
  /** Whether a record of {@link SendQueue.trySendControl} waits for room, so that the bell is to be rung whoever else goes on or gives up. */
  #hasControlWaiting = false;

  /** Who waits for room takes the replies of `calls` meanwhile, so that the manager has room, too. */
  constructor(connection: Connection, memory: RingMemory, channel: string, calls: PendingCalls) {
    this.#connection = connection;
    this.#ring = new RingWriter(memory);
    this.#writer = new PayloadWriter(this.#ring);
    this.#channel = channel;
    this.#calls = calls;
    this.#ids = new IdAllocator((id) => calls.isPending(id));
    this.#mayWait = connection.handle.onFull === 'block';
  }

  /** Sends a task. Returns its id. */
  send(
    flags: number,
    name: string,
    payload: unknown,
    due: number,
    rarer: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
    askedFor: Timeout,
  ): number {
    const connection = this.#connection;
    connection.refuseClosed();
    const timeout = this.#mayWait ? askedFor : NO_WAIT;
    const number = name === this.#lastName && this.#lastNumber >= 0 ? this.#lastNumber : this.#numberOf(name, timeout);
    const id = this.#ids.take();
    const record = (due === IMMEDIATELY ? RECORD_NOW : this.#timedRecord()) | flags;
    if (rarer === undefined && transfer === undefined && this.#writer.push(record, number, payload, due, id)) {
      if (!this.#ring.isPolled) {
        connection.wake(due);
      }
    } else {
      this.#sendEncoded(record, number, payload, due, id, rarer, transfer, timeout);
    }
    return id;
  }

  /** Sends a record without a payload; waits for room. */
  sendControl(kind: number, name: number, value: number, id: number): void {
    this.#push(kind, name, value, 0, id, undefined, NO_TIMEOUT);
    this.#connection.wake(IMMEDIATELY);
  }

  /** As {@link SendQueue.sendControl}, but false when there is no room: the bell is rung when there is. */
  trySendControl(kind: number, name: number, value: number, id: number): boolean {
    // First say that we wait, then look again: as in `#push`.
    const isSent =
      this.#tryPush(kind, name, value, 0, id, undefined) || this.#tryWaiting(kind, name, value, 0, id, undefined);
    this.#hasControlWaiting = !isSent;
    this.#stopWaiting();
    this.#connection.wake(IMMEDIATELY);
    return isSent;
  }

  allocateId(): number {
    return this.#ids.take();
  }

  /** Sends a task that is none of the simple ones, or for which there was no room. */
  #sendEncoded(
    record: number,
    number: number,
    payload: unknown,
    due: number,
    id: number,
    rarer: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
    timeout: Timeout,
  ): void {
    // Before anything goes by a channel, which nobody would fetch from there.
    this.#refuseFull(timeout, rarer === undefined ? 1 : 2, 0);
    const encoded = this.#encode(payload);
    const options = rarer === undefined ? undefined : this.#encode(rarer);
    this.#refuseFull(
      timeout,
      this.#recordsOf(encoded) + this.#recordsOf(options),
      padded(encoded.data?.length ?? 0) + padded(options?.data?.length ?? 0),
    );
    if (transfer !== undefined) {
      encoded.data = move(encoded.data, transfer);
    }
    let left = timeout;
    if (options !== undefined) {
      const mark = rarer?.key === undefined ? 0 : keyHashOf(rarer.key);
      this.#pushEncoded(RECORD_OPTIONS, mark, 0, id, options, timeout);
      left = NO_TIMEOUT;
    }
    this.#pushEncoded(record, number, due, id, encoded, left);
    this.#connection.wake(due);
  }

  #encode(payload: unknown): EncodedPayload {
    const encoded: EncodedPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined };
    encodePayload(payload, encoded, this.#sendByChannel);
    return encoded;
  }

  #recordsOf(encoded: EncodedPayload | undefined): number {
    return encoded === undefined ? 0 : Math.max(1, Math.ceil((encoded.data?.length ?? 0) / this.#ring.largest));
  }

  /** When nobody is to wait, or can: refuses what there is no room for before its first record. */
  #refuseFull(timeout: Timeout, records: number, bytes: number): void {
    const connection = this.#connection;
    // In the manager's own thread no room will be made meanwhile.
    const isAllNeeded = connection.isOwnThread;
    if ((timeout === NO_WAIT || isAllNeeded) && !this.#ring.hasRoom(records, bytes, isAllNeeded)) {
      connection.wake(IMMEDIATELY);
      if (timeout === NO_WAIT) {
        throw timeout.toError();
      }
      connection.refuseOwnThread();
    }
  }

  #numberOf(name: string, timeout: Timeout): number {
    validateString('name', name);
    let number = this.#names.get(name);
    if (number === undefined) {
      number = this.#names.size;
      const encoded = this.#encode(name);
      const records = this.#recordsOf(encoded);
      this.#refuseFull(timeout, records, padded(encoded.data?.length ?? 0));
      // Pieces need an id.
      const id = records > 1 ? this.allocateId() : 0;
      this.#pushEncoded(RECORD_NAME, number, 0, id, encoded, timeout);
      this.#names.set(name, number);
    }
    this.#lastName = name;
    this.#lastNumber = number;
    return number;
  }

  /**
   * Sends a record, and before it as many pieces as its payload takes. What is begun is finished: once a part is in the queue, the rest waits
   * for room in any case. Where that cannot be, what has been sent is nobody's: a part has the id of what it belongs to.
   */
  #pushEncoded(
    record: number,
    name: number,
    time: number,
    id: number,
    { kind, value, data }: EncodedPayload,
    timeout: Timeout,
  ): void {
    let rest = data;
    let left = timeout;
    while (rest !== undefined && rest.length > this.#ring.largest) {
      this.#push(RECORD_PIECE, 0, 0, 0, id, rest.subarray(0, this.#ring.largest), left);
      this.#connection.wake(IMMEDIATELY);
      rest = rest.subarray(this.#ring.largest);
      left = NO_TIMEOUT;
    }
    this.#push(record | kind, name, value, time, id, rest, left);
  }

  #push(
    kind: number,
    name: number,
    value: number,
    time: number,
    id: number,
    data: Uint8Array | undefined,
    timeout: Timeout,
  ): void {
    if (this.#tryPush(kind, name, value, time, id, data)) {
      return;
    }
    const connection = this.#connection;
    connection.wake(IMMEDIATELY);
    if (timeout === NO_WAIT) {
      throw timeout.toError();
    }
    connection.refuseOwnThread();
    this.#calls.listen();
    try {
      while (!this.#tryWaiting(kind, name, value, time, id, data)) {
        const remaining = timeout.deadline - monotonicNow();
        if (remaining <= 0) {
          throw timeout.toError();
        }
        connection.wake(IMMEDIATELY);
        connection.activity.blockForRoom();
        connection.doorbell.wait(remaining);
        connection.activity.unblock();
        connection.doorbell.clear();
        this.#calls.take();
      }
    } catch (error) {
      throw connection.closedBy(error);
    } finally {
      this.#stopWaiting();
    }
  }

  #stopWaiting(): void {
    if (!this.#hasControlWaiting) {
      this.#ring.setWaiting(false);
    }
  }

  /** First says that we wait, then looks again: the manager makes room first and looks for us afterwards. */
  #tryWaiting(
    kind: number,
    name: number,
    value: number,
    time: number,
    id: number,
    data: Uint8Array | undefined,
  ): boolean {
    this.#ring.setWaiting(true);
    return this.#tryPush(kind, name, value, time, id, data);
  }

  #tryPush(kind: number, name: number, value: number, time: number, id: number, data: Uint8Array | undefined): boolean {
    return needsLookahead(kind, name)
      ? this.#ring.pushMarked(kind, name, value, time, id, data)
      : this.#ring.push(kind, name, value, time, id, data);
  }

  #timedRecord(): number {
    return this.#connection.activity.isVirtual ? RECORD_AT_VIRTUAL : RECORD_AT;
  }

  #sendPayload(payload: unknown): number {
    this.#claims += 1;
    SideChannel.send(this.#connection.handle.channel, { from: this.#channel, claim: this.#claims, payload });
    return this.#claims;
  }
}
