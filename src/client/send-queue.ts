/** The queue from one producer to a manager: writes records, and waits for room. */

import {
  CONTROL_ABANDON,
  CONTROL_CANCEL_KEY,
  IMMEDIATELY,
  type ProducerControlBlock,
  RECORD_AT,
  RECORD_AT_VIRTUAL,
  RECORD_CALL,
  RECORD_CONTROL,
  RECORD_NAME,
  RECORD_NOW,
  type RemoteOptions,
  countPieces,
  detach,
  encodeName,
  isTask,
  needsLookahead,
  offeredChannelName,
  optionsRecord,
} from '../protocol';
import {
  ChannelPayloadSender,
  type EncodedPayload,
  PAYLOAD_BYTES,
  PAYLOAD_NONE,
  PayloadWriter,
  type RecordHeader,
  type RingMemory,
  type RingRecord,
  RingWriter,
  encodePayload,
  padded,
  serializeError,
} from '../transport';
import { canReadChannels, monotonicNow, reactor, workerThreads, reserveStack } from '../platform';
import { validateString } from '../util';
import { Backlog } from './backlog';
import type { Connection } from './connection';
import { IdAllocator } from './id-allocator';
import { Message } from './message';
import type { PendingCalls } from './pending-calls';
import { NO_TIMEOUT, NO_WAIT, type Timeout } from './timeout';

/** A payload that is encoded. What only the side channel carries is posted when its record is sent. */
interface DeferredPayload extends EncodedPayload {
  unsent: { readonly payload: unknown } | undefined;
}

/** The queue from one producer to the manager. */
export class SendQueue {
  readonly #connection: Connection;
  readonly #control: ProducerControlBlock;
  readonly #ring: RingWriter;
  readonly #writer: PayloadWriter;
  readonly #channelName: string;
  /** The channel for payloads, once this producer has taken one. */
  #channel: ChannelPayloadSender | undefined;
  readonly #calls: PendingCalls;
  /** Whether `schedule()` blocks for room. */
  readonly #mayBlock: boolean;
  /** Whether calls are refused when there is no room. */
  readonly #refusesCalls: boolean;
  readonly #ids: IdAllocator;
  /** The indices of the handlers that the manager knows by name. */
  readonly #handlers = new Map<string, number>();
  /** The handler of the last task, which is usually the next task's, too. */
  #lastName = '';
  #lastHandler = -1;
  /** What waits for room while this thread goes on. All that is sent later waits behind it. */
  readonly #backlog: Backlog = new Backlog(reactor);
  #hasBacklog = false;
  /** Whether anything waits for the manager to read: the backlog, or those who wait until everything is read. */
  isWaiting: boolean = false;
  /**
   * Whether a record of {@link SendQueue.trySendAbandon} waits for room: then the doorbell has to be set for it,
   * whichever other wait ends.
   */
  #hasAbandonWaiting = false;

  /**
   * `channel` is the one for payloads, if this producer has taken one; `channelName` is the name by which the manager
   * knows it.
   *
   * A thread that waits for room reads the replies of `calls` meanwhile, so that the manager has room, too.
   */
  constructor(
    connection: Connection,
    memory: RingMemory,
    channel: ChannelPayloadSender | undefined,
    channelName: string,
    calls: PendingCalls,
  ) {
    this.#connection = connection;
    this.#control = connection.control;
    // Without a channel of its own, the ring does not grow.
    this.#ring = new RingWriter(
      memory,
      channel === undefined || !canReadChannels ? undefined : (area) => channel.send(area),
    );
    this.#writer = new PayloadWriter(this.#ring);
    this.#channel = channel;
    this.#channelName = channelName;
    this.#calls = calls;
    this.#ids = new IdAllocator((id) => calls.isPending(id));
    this.#mayBlock = (connection.onFull ?? (workerThreads().isMainThread ? 'throw' : 'block')) === 'block';
    this.#refusesCalls = connection.onFull === 'throw';
  }

  /** The memory of the queue as it is now. */
  get memory(): RingMemory {
    return this.#ring.memory;
  }

  /** How many tasks the manager has not read. */
  get pending(): number {
    let tasks = this.#backlog.countTasks();
    this.#ring.forEachUnread((kind) => {
      tasks += isTask(kind) ? 1 : 0;
    });
    return tasks;
  }

  /**
   * Sends a task; blocks for room, if it may. Returns its id.
   *
   * This is the usual task alone: due immediately, with the name of the last one. V8 then compiles the whole way into
   * the ring as one function, and RemoteTaskManager.schedule() into its callers. That saves 10 ns of 55. V8 compiles at
   * most 920 bytes of bytecode as one (`--trace-turbo-inlining` shows what it takes).
   */
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
    if (
      name !== this.#lastName ||
      this.#lastHandler < 0 ||
      due !== IMMEDIATELY ||
      options !== undefined ||
      transfer !== undefined ||
      this.#hasBacklog
    ) {
      return this.#sendUnusual(flags, name, payload, due, options, transfer, askedFor);
    }
    const id = this.#ids.allocate();
    if (!this.#writer.push(RECORD_NOW | flags, this.#lastHandler, payload, IMMEDIATELY, id)) {
      this.#sendEncoded(RECORD_NOW | flags, this.#lastHandler, payload, due, id, options, transfer, askedFor);
    } else if (!this.#ring.isPolled) {
      this.#control.wakeOwner(IMMEDIATELY);
    }
    return id;
  }

  #sendUnusual(
    flags: number,
    name: string,
    payload: unknown,
    due: number,
    options: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
    askedFor: Timeout,
  ): number {
    const timeout = this.#timeout(flags, askedFor);
    if (this.#hasBacklog) {
      reserveStack();
      this.#sendBacklog(timeout);
    }
    const handler =
      name === this.#lastName && this.#lastHandler >= 0 ? this.#lastHandler : this.#handlerIndex(name, timeout);
    const id = this.#ids.allocate();
    const kind = (due === IMMEDIATELY ? RECORD_NOW : this.#timedKind()) | flags;
    const isSent =
      options === undefined &&
      transfer === undefined &&
      // The rest of a long name may have been kept just now.
      !this.#hasBacklog &&
      this.#writer.push(kind, handler, payload, due, id);
    if (!isSent) {
      this.#sendEncoded(kind, handler, payload, due, id, options, transfer, askedFor);
    } else if (!this.#ring.isPolled) {
      this.#control.wakeOwner(due);
    }
    return id;
  }

  /** Returns for how long a task or a call may wait for room. */
  #timeout(flags: number, askedFor: Timeout): Timeout {
    return (flags === RECORD_CALL ? !this.#refusesCalls : this.#mayBlock) ? askedFor : NO_WAIT;
  }

  /** Sends a call, or keeps it until there is room; never blocks. Returns its id. */
  sendLater(
    name: string,
    payload: unknown,
    options: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
  ): number {
    this.#connection.beginSend();
    if (this.#refusesCalls) {
      return this.send(RECORD_CALL, name, payload, IMMEDIATELY, options, transfer, NO_WAIT);
    }
    let handler = this.#handlers.get(validateString('name', name));
    const id = this.#ids.allocate();
    if (
      handler !== undefined &&
      !this.#hasBacklog &&
      options === undefined &&
      transfer === undefined &&
      this.#writer.push(RECORD_CALL, handler, payload, IMMEDIATELY, id)
    ) {
      if (!this.#ring.isPolled) {
        this.#control.wakeOwner(IMMEDIATELY);
      }
      return id;
    }
    // What the payload is now is what travels. An error of it comes before the manager learns of the name.
    const encoded = this.#encode(payload);
    const before = options === undefined ? undefined : this.#optionsMessage(options, id);
    if (transfer !== undefined) {
      encoded.data = detach(encoded.data, transfer);
    }
    if (handler === undefined) {
      handler = this.#handlers.size;
      const nameId = this.#ids.allocate();
      this.#keep(
        this.#message(
          { kind: RECORD_NAME, arg: handler, value: 0, time: 0, id: nameId },
          encodedBytes(encodeName(name)),
        ),
      );
      this.#handlers.set(name, handler);
    }
    const header = { kind: RECORD_CALL, arg: handler, value: 0, time: IMMEDIATELY, id };
    const message = this.#message(header, encoded, (error) => this.#calls.reject(id, error));
    if (before !== undefined) {
      message.prepend(before);
    }
    this.#keep(message);
    this.flush();
    if (message.error !== undefined) {
      throw message.error;
    }
    return id;
  }

  /**
   * Does not send what it has kept of the call `id`. Returns whether the manager has to be told: it may have a part of
   * it, or all.
   */
  withdraw(id: number): boolean {
    return !this.#backlog.withdraw(id);
  }

  /** Resolves when the manager has read all that was sent before. */
  drained(): Promise<void> {
    const promise = this.#backlog.whenRead();
    this.#updateWaiting();
    this.flush();
    return promise;
  }

  /** Sends what waits for room, as far as there is some. Never blocks. */
  flush(): void {
    if (!this.isWaiting || this.#connection.isClosed) {
      return;
    }
    this.#tryBacklog();
    if (this.isWaiting) {
      // WAITING is stored before the room is tried again: point 4 in `transport/ring-layout.ts`.
      this.#setWaiting();
      this.#tryBacklog();
    }
    this.#stopWaiting();
    if (this.isWaiting) {
      this.#calls.pump();
    }
  }

  /** Rejects those who wait for the manager, and drops what was not sent. */
  close(error: unknown): void {
    this.#backlog.close(error);
    this.#updateWaiting();
    this.#channel?.close();
  }

  /** Sends an operation on the task `id`, which the manager answers as the call `replyId`. */
  sendControl(operation: number, id: number, replyId: number, reason: unknown): void {
    this.#sendControl(this.#controlMessage(operation, id, replyId, reason));
  }

  /** Sends that the task with a key is cancelled, which the manager answers as the call `replyId`. */
  sendCancelKey(key: string, replyId: number): void {
    const id = this.#ids.allocate();
    const message = new Message(controlRecord(CONTROL_CANCEL_KEY, id, replyId), this.#ring.largest);
    message.prepend(this.#optionsMessage({ key }, id));
    this.#sendControl(message);
  }

  /** Returns the message that the call `id` was abandoned, and why. */
  abandonMessage(id: number, reason: unknown): Message {
    return this.#controlMessage(CONTROL_ABANDON, id, this.allocateId(), reason);
  }

  /** Sends such a message. Returns false when there is no room: the doorbell is set when there is. */
  trySendAbandon(message: Message): boolean {
    let isSent = this.#push(message);
    if (!isSent) {
      this.#hasAbandonWaiting = true;
      this.#setWaiting();
      isSent = this.#push(message);
    }
    this.#hasAbandonWaiting = !isSent;
    this.#stopWaiting();
    this.#control.wakeOwner(IMMEDIATELY);
    return isSent;
  }

  allocateId(): number {
    return this.#ids.allocate();
  }

  /** Sends a task that cannot be written in place, has options or a transfer, or has no room. */
  #sendEncoded(
    kind: number,
    handler: number,
    payload: unknown,
    due: number,
    id: number,
    options: RemoteOptions | undefined,
    transfer: readonly ArrayBuffer[] | undefined,
    askedFor: Timeout,
  ): void {
    reserveStack();
    const header = { kind, arg: handler, value: 0, time: due, id };
    const timeout = this.#timeout(kind & RECORD_CALL, askedFor);
    // Before the payload is looked at, which may take long.
    this.#throwIfFull(timeout, options === undefined ? 1 : 2, 0);
    const encoded = this.#encode(payload);
    const encodedOptions = options === undefined ? undefined : this.#encode(options);
    this.#throwIfFull(
      timeout,
      this.#countRecords(encoded) + (encodedOptions === undefined ? 0 : this.#countRecords(encodedOptions)),
      paddedSize(encoded) + (encodedOptions === undefined ? 0 : paddedSize(encodedOptions)),
    );
    if (transfer !== undefined) {
      // Before anything is sent: this throws for buffers that cannot be transferred.
      encoded.data = detach(encoded.data, transfer);
    }
    const message = this.#message(header, encoded);
    if (encodedOptions !== undefined) {
      message.prepend(this.#message(optionsRecord(options as RemoteOptions, id), encodedOptions));
    }
    this.#sendMessage(message, timeout);
  }

  #sendControl(message: Message): void {
    if (this.#mayBlock && !this.#connection.isOwnThread) {
      this.#sendBacklog(NO_TIMEOUT);
      this.#block(() => this.#trySend(message), NO_TIMEOUT);
    } else {
      this.#keep(message);
      this.flush();
    }
    this.#control.wakeOwner(IMMEDIATELY);
  }

  /**
   * Returns an operation on the task `id`. A reason that the ring cannot carry is left out. It has the id of the
   * answer: the manager may have pieces of the task itself.
   */
  #controlMessage(operation: number, id: number, replyId: number, reason: unknown): Message {
    const message = new Message(controlRecord(operation, id, replyId), this.#ring.largest);
    if (!isUsual(reason)) {
      try {
        const header = optionsRecord({}, replyId);
        const encoded = this.#encode({ reason: serializeError(reason) });
        if (encoded.unsent === undefined) {
          message.prepend(this.#message(header, encoded));
          message.copyBytes();
        }
      } catch {
        // It cannot be cloned.
      }
    }
    return message;
  }

  #optionsMessage(options: RemoteOptions, id: number): Message {
    return this.#message(optionsRecord(options, id), this.#encode(options));
  }

  /**
   * Sends a message. When there is no room for all of it, and this thread may not wait, the rest is kept: the first
   * part has room.
   */
  #sendMessage(message: Message, timeout: Timeout): void {
    const send = (): boolean => this.#trySend(message);
    if (timeout !== NO_WAIT) {
      try {
        this.#block(send, timeout);
      } catch (error) {
        if (message.isBegun) {
          // The manager has a part of it, and drops that.
          this.#calls.abandon(message.id, error);
        }
        throw error;
      }
    } else if (this.#hasBacklog || !send()) {
      this.#keep(message);
      this.flush();
    }
  }

  /** Returns the records of a payload. */
  #message(header: RecordHeader, encoded: DeferredPayload, onError?: (error: unknown) => void): Message {
    const { kind, value, data, unsent } = encoded;
    const claimPayload = unsent === undefined ? undefined : () => this.#post(unsent.payload);
    const largest = this.#ring.largestFor(data?.length ?? 0);
    return new Message({ ...header, kind: header.kind | kind, value, data }, largest, claimPayload, onError);
  }

  #encode(payload: unknown): DeferredPayload {
    const encoded: DeferredPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined, unsent: undefined };
    encodePayload(payload, encoded, (unwritable) => {
      // A copy: the caller may change the payload before there is room for its record.
      encoded.unsent = { payload: structuredClone(unwritable) };
      return 0;
    });
    return encoded;
  }

  /**
   * Posts a payload to the side channel, and returns the claim for its record; `undefined` while the manager offers no
   * channel, which is waited for like room.
   */
  #post(payload: unknown): number | undefined {
    if (this.#channel === undefined) {
      const key = this.#control.takeOffer();
      if (key === undefined) {
        this.#control.announcePosted();
        return undefined;
      }
      this.#channel = new ChannelPayloadSender(offeredChannelName(key), this.#channelName);
    }
    return this.#channel.send(payload);
  }

  #countRecords({ data }: EncodedPayload): number {
    const size = data?.length ?? 0;
    return countPieces(size, this.#ring.largestFor(size));
  }

  /**
   * Throws before the first record when not all of them have room, and waiting is not allowed, or would not make any.
   */
  #throwIfFull(timeout: Timeout, records: number, bytes: number): void {
    const connection = this.#connection;
    if (this.#hasBacklog) {
      // The name of this task was let in, and so is the task.
      return;
    }
    // In the manager's own thread no room is made during a wait.
    const areAllNeeded = connection.isOwnThread;
    if ((timeout === NO_WAIT || areAllNeeded) && !this.#ring.hasRoom(records, bytes, areAllNeeded)) {
      this.#control.wakeOwner(IMMEDIATELY);
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
      reserveStack();
      index = this.#handlers.size;
      const data = encodeName(name);
      // A fresh worker's first task waits for this. Without a message, V8 compiles 15 functions less for it, of 38.
      // The task that follows wakes the manager. A name alone would wake it for nothing.
      if (this.#hasBacklog || !this.#ring.push(RECORD_NAME | PAYLOAD_BYTES, index, 0, 0, 0, data)) {
        this.#sendName(index, data, timeout);
      }
      this.#handlers.set(name, index);
    }
    this.#lastName = name;
    this.#lastHandler = index;
    return index;
  }

  /** Sends a name that is long, or has no room. */
  #sendName(index: number, data: Uint8Array, timeout: Timeout): void {
    const encoded = encodedBytes(data);
    const records = this.#countRecords(encoded);
    this.#throwIfFull(timeout, records, paddedSize(encoded));
    // Pieces need an id.
    const id = records > 1 ? this.allocateId() : 0;
    const message = this.#message({ kind: RECORD_NAME, arg: index, value: 0, time: 0, id }, encoded);
    if (this.#hasBacklog || !this.#push(message)) {
      this.#sendMessage(message, timeout);
    }
  }

  /** Sends the backlog first: what is sent now comes after it. */
  #sendBacklog(timeout: Timeout): void {
    if (this.#hasBacklog) {
      this.#tryBacklog();
    }
    if (this.#hasBacklog) {
      if (timeout === NO_WAIT) {
        throw timeout.toError();
      }
      this.#block(() => {
        this.#tryBacklog();
        return !this.#hasBacklog;
      }, timeout);
    }
  }

  /** Keeps a message until there is room. */
  #keep(message: Message): void {
    message.copyBytes();
    this.#backlog.add(message);
    this.#updateWaiting();
  }

  #tryBacklog(): void {
    this.#backlog.send((message) => this.#trySend(message), this.#ring);
    this.#updateWaiting();
  }

  #updateWaiting(): void {
    this.#hasBacklog = !this.#backlog.isEmpty;
    this.isWaiting = this.#backlog.isWaiting;
  }

  /** Sends as much of a message as there is room for. Returns whether that was all. */
  #trySend(message: Message): boolean {
    const isSent = this.#push(message);
    this.#control.wakeOwner(IMMEDIATELY);
    return isSent;
  }

  /** Does the same, and does not wake the manager. */
  #push(message: Message): boolean {
    return message.send(this.#ring, (record) => this.#tryPush(record));
  }

  /** Blocks until `attempt` succeeds. */
  #block(attempt: () => boolean, timeout: Timeout): void {
    if (attempt()) {
      return;
    }
    reserveStack();
    const connection = this.#connection;
    this.#control.wakeOwner(IMMEDIATELY);
    if (timeout === NO_WAIT) {
      throw timeout.toError();
    }
    connection.throwIfOwnThread();
    this.#calls.listen();
    const retry = (): boolean => {
      // This thread says that it waits, and *then* tries once more: point 4 in `transport/ring-layout.ts`.
      this.#ring.setWaiting(true);
      return attempt();
    };
    try {
      let isSent = retry();
      while (!isSent) {
        const remaining = timeout.deadline - monotonicNow();
        if (remaining <= 0) {
          throw timeout.toError(true);
        }
        this.#control.wakeOwner(IMMEDIATELY);
        connection.activity.blockForRoom();
        isSent = connection.sleep(true, remaining, attempt);
        connection.activity.unblock();
        if (isSent) {
          // The reply may be here already, and its call waits only when this has returned: that one reads it.
          connection.doorbell.set();
        } else {
          this.#calls.readReplies();
          isSent = retry();
        }
      }
    } catch (error) {
      throw connection.toError(error);
    } finally {
      connection.endSleep();
      this.#stopWaiting();
    }
  }

  #setWaiting(): void {
    if (this.#hasBacklog || this.#hasAbandonWaiting) {
      this.#ring.setWaiting(true);
    } else {
      this.#ring.setWaitingForEnd();
    }
  }

  #stopWaiting(): void {
    if (!this.#hasAbandonWaiting && !this.isWaiting) {
      this.#ring.setWaiting(false);
    }
  }

  #tryPush(record: RingRecord): boolean {
    return this.#ring.pushRecord(record, needsLookahead(record));
  }

  #timedKind(): number {
    return this.#connection.activity.isVirtual ? RECORD_AT_VIRTUAL : RECORD_AT;
  }
}

/** Returns whether the manager makes an equal reason when it gets none: that of `abort()` without one. */
function isUsual(reason: unknown): boolean {
  if (reason instanceof DOMException && reason.name === 'AbortError') {
    return reason.message === (AbortSignal.abort().reason as DOMException).message;
  }
  return reason === undefined;
}

function controlRecord(operation: number, id: number, replyId: number): RingRecord {
  return { kind: RECORD_CONTROL, arg: replyId, value: operation, time: 0, id, data: undefined };
}

function encodedBytes(data: Uint8Array): DeferredPayload {
  return { kind: PAYLOAD_BYTES, value: 0, data, unsent: undefined };
}

function paddedSize({ data }: EncodedPayload): number {
  return padded(data?.length ?? 0);
}
