/** The producer's side of the queue to a manager: puts records in, and waits for room. */

import type { Calls } from './pending-calls';
import type { Connection } from './connection';
import { monotonicNow } from '../platform/clock';
import { isMarked, markOf } from '../server/lookahead';
import { Ids } from './id-allocator';
import { type EncodedPayload, PAYLOAD_NONE, PayloadWriter, encodePayload } from '../transport/payload';
import { FOREVER, NONE, type Patience } from './timeout';
import { Post } from '../transport/side-channel';
import { RingProducer, type RingMemory, padded } from '../transport/ring';
import { AT_ONCE, move } from '../protocol/schedule-options';
import {
  RECORD_AT,
  RECORD_AT_VIRTUAL,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_OPTIONS,
  RECORD_PIECE,
  type RemoteOptions,
} from '../protocol/records';
import { validateString } from '../util/validate';

/** The queue from one producer to the manager. */
export class Outbox {
  readonly #connection: Connection;
  readonly #ring: RingProducer;
  readonly #writer: PayloadWriter;
  readonly #channel: string;
  readonly #calls: Calls;
  readonly #mayWait: boolean;
  readonly #ids: Ids;
  readonly #names = new Map<string, number>();
  /** The name that was used last, which is the next one's too as a rule. */
  #lastName = '';
  #lastNumber = -1;
  readonly #sendByChannel = (payload: unknown): number => this.#sendPayload(payload);
  #tickets = 0;
  /** Whether a record of {@link Outbox.trySendControl} waits for room, so that the bell is to be rung whoever else goes on or gives up. */
  #hasControlWaiting = false;

  /** Who waits for room takes the replies of `calls` meanwhile, so that the manager has room, too. */
  constructor(connection: Connection, memory: RingMemory, channel: string, calls: Calls) {
    this.#connection = connection;
    this.#ring = new RingProducer(memory);
    this.#writer = new PayloadWriter(this.#ring);
    this.#channel = channel;
    this.#calls = calls;
    this.#ids = new Ids((id) => calls.isPending(id));
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
    askedFor: Patience,
  ): number {
    const connection = this.#connection;
    connection.refuseClosed();
    const patience = this.#mayWait ? askedFor : NONE;
    const number = name === this.#lastName && this.#lastNumber >= 0 ? this.#lastNumber : this.#numberOf(name, patience);
    const id = this.#ids.take();
    const record = (due === AT_ONCE ? RECORD_NOW : this.#timedRecord()) | flags;
    if (rarer === undefined && transfer === undefined && this.#writer.push(record, number, payload, due, id)) {
      if (!this.#ring.isLookedAt) {
        connection.wake(due);
      }
    } else {
      this.#sendEncoded(record, number, payload, due, id, rarer, transfer, patience);
    }
    return id;
  }

  /** Sends a record without a payload; waits for room. */
  sendControl(kind: number, name: number, value: number, id: number): void {
    this.#push(kind, name, value, 0, id, undefined, FOREVER);
    this.#connection.wake(AT_ONCE);
  }

  /** As {@link Outbox.sendControl}, but false when there is no room: the bell is rung when there is. */
  trySendControl(kind: number, name: number, value: number, id: number): boolean {
    // First say that we wait, then look again: as in `#push`.
    const isSent =
      this.#tryPush(kind, name, value, 0, id, undefined) || this.#tryWaiting(kind, name, value, 0, id, undefined);
    this.#hasControlWaiting = !isSent;
    this.#stopWaiting();
    this.#connection.wake(AT_ONCE);
    return isSent;
  }

  takeId(): number {
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
    patience: Patience,
  ): void {
    // Before anything goes by a channel, which nobody would fetch from there.
    this.#refuseFull(patience, rarer === undefined ? 1 : 2, 0);
    const encoded = this.#encode(payload);
    const options = rarer === undefined ? undefined : this.#encode(rarer);
    this.#refuseFull(
      patience,
      this.#recordsOf(encoded) + this.#recordsOf(options),
      padded(encoded.data?.length ?? 0) + padded(options?.data?.length ?? 0),
    );
    if (transfer !== undefined) {
      encoded.data = move(encoded.data, transfer);
    }
    let left = patience;
    if (options !== undefined) {
      const mark = rarer?.key === undefined ? 0 : markOf(rarer.key);
      this.#pushEncoded(RECORD_OPTIONS, mark, 0, id, options, patience);
      left = FOREVER;
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
  #refuseFull(patience: Patience, records: number, bytes: number): void {
    const connection = this.#connection;
    // In the manager's own thread no room will be made meanwhile.
    const isAllNeeded = connection.isOwnThread;
    if ((patience === NONE || isAllNeeded) && !this.#ring.hasRoom(records, bytes, isAllNeeded)) {
      connection.wake(AT_ONCE);
      if (patience === NONE) {
        throw patience.giveUp();
      }
      connection.refuseOwnThread();
    }
  }

  #numberOf(name: string, patience: Patience): number {
    validateString('name', name);
    let number = this.#names.get(name);
    if (number === undefined) {
      number = this.#names.size;
      const encoded = this.#encode(name);
      const records = this.#recordsOf(encoded);
      this.#refuseFull(patience, records, padded(encoded.data?.length ?? 0));
      // Pieces need an id.
      const id = records > 1 ? this.takeId() : 0;
      this.#pushEncoded(RECORD_NAME, number, 0, id, encoded, patience);
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
    patience: Patience,
  ): void {
    let rest = data;
    let left = patience;
    while (rest !== undefined && rest.length > this.#ring.largest) {
      this.#push(RECORD_PIECE, 0, 0, 0, id, rest.subarray(0, this.#ring.largest), left);
      this.#connection.wake(AT_ONCE);
      rest = rest.subarray(this.#ring.largest);
      left = FOREVER;
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
    patience: Patience,
  ): void {
    if (this.#tryPush(kind, name, value, time, id, data)) {
      return;
    }
    const connection = this.#connection;
    connection.wake(AT_ONCE);
    if (patience === NONE) {
      throw patience.giveUp();
    }
    connection.refuseOwnThread();
    this.#calls.listen();
    try {
      while (!this.#tryWaiting(kind, name, value, time, id, data)) {
        const remaining = patience.deadline - monotonicNow();
        if (remaining <= 0) {
          throw patience.giveUp();
        }
        connection.wake(AT_ONCE);
        connection.pace.blockForRoom();
        connection.bell.wait(remaining);
        connection.pace.unblock();
        connection.bell.clear();
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
    return isMarked(kind, name)
      ? this.#ring.pushMarked(kind, name, value, time, id, data)
      : this.#ring.push(kind, name, value, time, id, data);
  }

  #timedRecord(): number {
    return this.#connection.pace.isVirtual ? RECORD_AT_VIRTUAL : RECORD_AT;
  }

  #sendPayload(payload: unknown): number {
    this.#tickets += 1;
    Post.send(this.#connection.handle.channel, { from: this.#channel, ticket: this.#tickets, payload });
    return this.#tickets;
  }
}
