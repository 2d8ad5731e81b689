/** One producer, as the manager sees it: reads its records, and decides which tasks run immediately. */

import { type EventHandle, WaitableEvent, closeWithThread, release } from '../event';
import {
  BlockedPeer,
  CONTROL_ABANDON,
  CONTROL_CANCEL_KEY,
  CONTROL_COUNT,
  IMMEDIATELY,
  type Introduction,
  RECORD_AT,
  RECORD_AT_VIRTUAL,
  RECORD_CALL,
  RECORD_CONTROL,
  RECORD_MASK,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_OPTIONS,
  RECORD_PIECE,
  type RemoteOptions,
  type TaskCarrier,
  type TaskManagerCounts,
  decodeName,
  handlerIndexOf,
  isTask,
  keyHashOf,
  needsLookahead,
  rareOptions,
  replyIdOf,
} from '../protocol';
import { RecordReader, deserializeError, releaseRingMemory } from '../transport';
import { RemoteThreadActivity } from '../virtual-time';
import { EventClosedError, InvalidHandleError } from '../util';
import { Lookahead } from './lookahead';
import { ReplySender } from './reply-sender';

/** Does what the records of one producer ask for. `E` is what it knows of a handler. */
export interface RecordHandler<E = unknown> {
  /** Returns what is known of the handler that tasks name from now on. */
  onName(name: string): E;
  /** Runs a task, now. */
  run(id: number, handler: E, payload: unknown, carrier?: TaskCarrier): void;
  /** Runs a task, now, and says when it is over. */
  runTracked(id: number, handler: E, payload: unknown, carrier?: TaskCarrier): void;
  /** Cancels the task with this key, for example because the next one replaces it. Returns whether there was one. */
  cancelKey(key: string): boolean;
  /** Returns the time on the clock of the manager's tasks. */
  now(): number;
  /** Has later tasks without a time wait until this one, which was installed, has run. */
  holdOthers(id: number): void;
  /** Whether there is such a task. */
  readonly hasWaiting: boolean;
  /**
   * Installs a task that does not run now. `due` is on the clock of the manager's tasks; `isTimed` says whether the
   * producer has given a time.
   */
  install(
    id: number,
    handler: E,
    payload: unknown,
    due: number,
    isTimed: boolean,
    options: RemoteOptions | undefined,
  ): void;
  /** Fails a task whose payload cannot be read. */
  onUnreadable(id: number, handler: E, error: unknown): void;
  /** Performs an operation on a task, and returns the answer. `reason` says why the task is to end. */
  onControl(id: number, operation: number, reason: unknown): number;
  /** Returns the manager's counts. */
  count(): TaskManagerCounts;
  /** Converts a time on the monotonic clock, or on a time machine's, to the clock that the manager uses now. */
  dueTime(time: number, isVirtual: boolean): number;
}

/** Makes the handler of the records of a producer in the thread `threadId`, which replies through `replies`. */
export type CreateRecordHandler = (replies: ReplySender, threadId: number) => RecordHandler;

/** Makes such handlers. */
export interface RecordHandlers {
  readonly create: CreateRecordHandler;
  /**
   * Returns what makes handlers that know the name of a rehearsal alone, and count nowhere; `undefined` where a
   * subscriber would learn of one.
   */
  readonly createForRehearsal: () => CreateRecordHandler | undefined;
}

/** What a producer consists of. One without a doorbell is gone. */
type ProducerParts = Omit<Introduction, 'doorbell'> & { readonly doorbell: EventHandle | undefined };

export class Producer {
  /** How many records are left of those that were there when the pass began. */
  quota = 0;
  /** How many tasks it has scheduled. */
  received = 0;
  /** Whether it has sent what no producer sends. Nothing more of it is read. */
  #isBroken = false;
  /** The name of the channel for its results, by which its payloads are known, too. */
  readonly channel: string;
  readonly #reader: RecordReader;
  readonly #activity: RemoteThreadActivity;
  readonly #threadId: number;
  readonly #number: number;
  readonly #handler: RecordHandler;
  /** What is known of the handlers that it has named, by their indices. */
  readonly #handlers: unknown[] = [];
  readonly #replies: ReplySender;
  readonly #doorbell: WaitableEvent | undefined;
  readonly #lookahead: Lookahead;
  readonly #blockedPeer: BlockedPeer;
  readonly #releaseMemory: () => void;
  /**
   * Whether a task that is due immediately may run when it is read: it has no options, and no record ahead concerns it.
   */
  #isSimple = true;
  #round = 0;
  /**
   * When the tasks of this pass are due that are due immediately and do not run now: all at one time, so that their
   * priorities count. `undefined` before the first.
   */
  #passTime: number | undefined;
  /** The options of the task that has this id. */
  #options: RemoteOptions | undefined;
  #optionsOf = 0;
  /** The hash of their key. */
  #keyHash = 0;
  /** Why the next operation ends a task, and the id as which that is answered. */
  #reason: RemoteOptions['reason'];
  #reasonOf = 0;

  constructor(
    introduction: ProducerParts,
    createHandler: CreateRecordHandler,
    claimPayload: (claim: number) => unknown,
    hasArrived?: (claim: number) => boolean,
  ) {
    const { ring, replies, doorbell, channel, activity, threadId, number } = introduction;
    this.#activity = new RemoteThreadActivity(activity);
    this.#blockedPeer = new BlockedPeer(activity);
    this.#releaseMemory = () => [ring, replies].forEach((memory) => releaseRingMemory(memory));
    this.#threadId = threadId;
    this.#number = number;
    this.#reader = new RecordReader(ring, claimPayload, hasArrived);
    this.channel = channel;
    this.#lookahead = new Lookahead(this.#reader.record);
    this.#replies = new ReplySender(replies, channel, this.#activity, () => this.notify());
    this.#handler = createHandler(this.#replies, threadId);
    this.#doorbell = doorbell === undefined ? undefined : openDoorbell(doorbell);
  }

  /** Whether its thread has ended, or it was closed: it adds nothing to its queue any more. */
  get isGone(): boolean {
    return this.#doorbell?.closed !== false;
  }

  /** Whether it has sent what no producer sends. */
  get isBroken(): boolean {
    return this.#isBroken || this.#reader.record.isBroken;
  }

  /** Whether its thread waits for the manager or for nothing: see `virtual-time/thread-activity.ts`. */
  get isQuiescent(): boolean {
    return this.isGone || this.#activity.isQuiescent(() => this.available > 0);
  }

  /** The thread that it belongs to. */
  get threadId(): number {
    return this.#threadId;
  }

  /**
   * Returns whether its records are read before another one's: by thread, then by number there. Neither depends on
   * speed.
   */
  comesBefore(other: Producer): boolean {
    return this.#threadId === other.#threadId ? this.#number < other.#number : this.#threadId < other.#threadId;
  }

  /** Says whether the manager polls the queue. */
  setPolling(isPolling: boolean): void {
    this.#reader.record.setPolling(isPolling);
  }

  /** How many records there are to read. */
  get available(): number {
    try {
      return this.#reader.available;
    } catch {
      // The stack has no room to find the memory that they are in. The next pass tries again.
      return 0;
    }
  }

  /** Whether there are records whose payload has not arrived. */
  get isStalled(): boolean {
    return this.#reader.isStalled;
  }

  /** Whether a part of a task has arrived, and the rest has not. */
  get isIncomplete(): boolean {
    return this.#reader.isIncomplete || this.#options !== undefined;
  }

  /** Begins a pass, which reads the records that are there now: their number is `quota`. */
  beginPass(): void {
    if (this.#reader.owesRoom && this.#reader.publish()) {
      this.notify();
    }
    this.quota = this.available;
    this.#lookahead.scan(this.quota);
    this.#passTime = undefined;
    this.#updateSimple();
  }

  /** Returns how many of the next `count` records {@link Producer.readQuantum} may read. */
  readable(count: number): number {
    return this.#reader.readable(count);
  }

  /** Reads up to `count` records. */
  readQuantum(count: number): void {
    this.#round += 1;
    const round = this.#round;
    // When a task begins another round, that one reads the rest of these records.
    for (let index = 0; index < count && round === this.#round; index += 1) {
      this.#readRecord();
    }
    if (this.#reader.publish()) {
      this.notify();
    }
  }

  /** Returns whether the producer, which polls for replies, got one since the last call of this. */
  consumeAnswered(): boolean {
    return this.#replies.consumeAnswered();
  }

  /** Sends the replies that wait for room. */
  flush(): void {
    this.#replies.flush();
  }

  /** Releases its event and its memory, which its thread may use again. Its tasks stay. */
  release(): void {
    this.#doorbell?.[release]();
    // A reply that comes now must not get into another connection.
    this.#replies.abandonAll();
    this.#releaseMemory();
  }

  /** Returns how many tasks are in its queue. */
  countTasks(): number {
    let tasks = 0;
    this.#reader.record.lookAhead(this.available, ({ kind }) => {
      tasks += isTask(kind) ? 1 : 0;
    });
    return tasks;
  }

  /**
   * Returns whether its thread sleeps, and only this thread can end that. The room of all records that were read is
   * given back first.
   */
  isBlocked(): boolean {
    const hasRoom = this.#reader.publish();
    if (hasRoom) {
      this.notify();
    }
    return !this.isGone && this.#blockedPeer.isBlocked(this.#replies.hasUnread, hasRoom);
  }

  /** Tells its thread that its sleep is a deadlock. */
  tellBlocked(): void {
    this.#blockedPeer.tell();
    this.notify();
  }

  /** Closes the connection, which tells the producer, and ends a round that is under way. */
  close(): void {
    this.#round += 1;
    // Calls that are pending end with the doorbell, not with a reply.
    this.#replies.abandonAll();
    this.#doorbell?.close();
  }

  #readRecord(): void {
    const reader = this.#reader;
    const { kind, arg, id } = reader.record;
    try {
      if ((kind & RECORD_MASK) === RECORD_NOW && this.#isSimple) {
        this.received += 1;
        if ((kind & RECORD_CALL) !== 0) {
          this.#replies.expect(id);
        }
        this.#handler.run(id, this.#handlers[arg], reader.readPayload());
      } else {
        this.#readRarer(kind, id);
      }
    } catch (error) {
      // What a task throws is not caught here. But this thread may have less stack, or less memory, than the one that
      // wrote the payload. Or that one wrote garbage.
      this.#onUnreadable(kind, id, this.#handlers[arg], error);
    }
  }

  #onUnreadable(kind: number, id: number, handler: unknown, error: unknown): void {
    if (isTask(kind) && handler !== undefined) {
      this.#handler.onUnreadable(id, handler, error);
    } else {
      this.#isBroken = true;
      // Ends the round.
      this.#round += 1;
    }
  }

  /**
   * Reads a record that is not a simple task. V8 compiles the way of simple tasks in one piece, from `#readRecord()` to
   * their handlers, as long as it has at most 920 bytes of bytecode, and calls what is beyond: then a task costs up to
   * 80 ns instead of 55.
   */
  #readRarer(kind: number, id: number): void {
    const reader = this.#reader;
    const { record } = reader;
    if (needsLookahead(record)) {
      this.#lookahead.onMarked();
    }
    switch (kind & RECORD_MASK) {
      case RECORD_NOW:
        this.#readTask(kind, handlerIndexOf(record), id, IMMEDIATELY);
        break;
      case RECORD_AT:
        this.#readTask(kind, handlerIndexOf(record), id, this.#handler.dueTime(record.time, false));
        break;
      case RECORD_AT_VIRTUAL:
        this.#readTask(kind, handlerIndexOf(record), id, this.#handler.dueTime(record.time, true));
        break;
      case RECORD_NAME:
        this.#readName(handlerIndexOf(record));
        break;
      case RECORD_PIECE:
        reader.readPiece();
        break;
      case RECORD_OPTIONS:
        this.#keyHash = keyHashOf(record);
        this.#readOptions(id, reader.readPayload() as RemoteOptions);
        break;
      case RECORD_CONTROL:
        this.#readControl(id, replyIdOf(record), record.value);
        break;
      default:
        record.advance();
    }
  }

  #readOptions(id: number, options: RemoteOptions): void {
    if (options.reason !== undefined) {
      // It may come between the options of a task and the task, which waits for room.
      this.#reason = options.reason;
      this.#reasonOf = id;
      return;
    }
    this.#options = rareOptions(options);
    this.#optionsOf = id;
    this.#updateSimple();
  }

  #readName(index: number): void {
    const name = this.#reader.readText() ?? decodeName(this.#reader.readPayload());
    if (index !== this.#handlers.length) {
      throw new RangeError('Handlers are named one after the other');
    }
    this.#handlers.push(this.#handler.onName(name));
  }

  #updateSimple(): void {
    this.#isSimple = this.#options === undefined && !this.#lookahead.isNeeded && !this.#handler.hasWaiting;
  }

  /**
   * Reads a task that may have a time, a caller or options, or that a record ahead may concern. Runs it now, or
   * installs it.
   */
  #readTask(kind: number, handlerIndex: number, id: number, due: number): void {
    this.received += 1;
    if ((kind & RECORD_CALL) !== 0) {
      this.#replies.expect(id);
    }
    const isKeyAhead = this.#isKeyAhead();
    const options = this.#consumeOptions(id);
    if (options?.tracked === true) {
      this.#replies.expectEnd(id);
    }
    const payload = this.#reader.readPayload();
    const handler = this.#handlers[handlerIndex];
    if (handler === undefined || Number.isNaN(due)) {
      throw new RangeError('A task has a handler, and a time');
    }
    const isTimed = due !== IMMEDIATELY || options?.when !== undefined || options?.interval !== undefined;
    const isConcerned = isKeyAhead || this.#lookahead.concernsId(id);
    // A pass may read twice, when it serves a burst of calls: what the first time has installed runs in the next pass.
    if (isTimed || isConcerned || this.#lookahead.hasPriorities || this.#handler.hasWaiting) {
      const at = due === IMMEDIATELY ? (this.#passTime ??= this.#handler.now()) : due;
      this.#handler.install(id, handler, payload, at, isTimed, options);
      if (!isTimed && !isConcerned) {
        this.#handler.holdOthers(id);
      }
      return;
    }
    if (options?.key !== undefined) {
      this.#handler.cancelKey(options.key);
    }
    if (options?.tracked === true) {
      this.#handler.runTracked(id, handler, payload, options.carrier);
    } else {
      this.#handler.run(id, handler, payload, options?.carrier);
    }
  }

  #isKeyAhead(): boolean {
    return this.#options?.key !== undefined && this.#lookahead.concernsKey(this.#keyHash);
  }

  #consumeOptions(id: number): RemoteOptions | undefined {
    // Options of another task are dropped: its producer could not finish it.
    const options = this.#optionsOf === id ? this.#options : undefined;
    this.#options = undefined;
    this.#updateSimple();
    return options;
  }

  #readControl(id: number, replyId: number, operation: number): void {
    this.#reader.record.advance();
    if (operation === CONTROL_ABANDON) {
      this.#replies.abandon(id);
      // The producer may have given up in the middle of the task.
      this.#reader.dropPieces(id);
      if (this.#optionsOf === id) {
        this.#consumeOptions(id);
      }
      this.#handler.onControl(id, operation, this.#consumeReason(replyId));
    } else if (operation === CONTROL_CANCEL_KEY) {
      this.#isKeyAhead();
      const key = this.#consumeOptions(id)?.key;
      this.#replies.expect(replyId);
      this.#replies.reply(replyId, key !== undefined && this.#handler.cancelKey(key) ? 1 : 0);
    } else if (operation === CONTROL_COUNT) {
      this.#replies.expect(replyId);
      this.#replies.reply(replyId, this.#handler.count());
    } else {
      this.#replies.expect(replyId);
      this.#replies.reply(replyId, this.#handler.onControl(id, operation, this.#consumeReason(replyId)));
    }
  }

  /** Returns why the operation that is answered as `replyId` ends a task. */
  #consumeReason(replyId: number): unknown {
    const reason = this.#reasonOf === replyId ? this.#reason : undefined;
    this.#reason = undefined;
    return reason === undefined ? undefined : deserializeError(reason);
  }

  /** Sets the producer's doorbell. */
  notify(): void {
    try {
      this.#doorbell?.set();
    } catch (error) {
      // A thread that has ended waits for nothing.
      if (!(error instanceof EventClosedError)) {
        throw error;
      }
    }
  }
}

/** Opens a producer's event. Without one, its thread has ended; what it had scheduled runs all the same. */
function openDoorbell(handle: EventHandle): WaitableEvent | undefined {
  try {
    const doorbell = WaitableEvent.open(handle);
    doorbell[closeWithThread]();
    return doorbell;
  } catch (error) {
    if (error instanceof InvalidHandleError || error instanceof EventClosedError) {
      return undefined;
    }
    throw error;
  }
}
