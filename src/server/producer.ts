/** One producer, seen from the manager. */

import { EventClosedError, InvalidHandleError } from '../util/errors';
import { WaitableEvent, closeWithThread, release } from '../event';
import { Lookahead, needsLookahead } from './lookahead';
import { RecordReader } from '../transport/record-reader';
import { RemoteThreadActivity } from '../virtual-time/thread-activity';
import { ReplySender } from './reply-sender';
import {
  CONTROL_ABANDON,
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
} from '../protocol/handle';

/** Records that are tasks. */
const TASKS: ReadonlySet<number> = new Set([RECORD_NOW, RECORD_AT, RECORD_AT_VIRTUAL]);

/** What a producer's records are delivered to; `N` is what it knows of a name. */
export interface RecordHandler<N = unknown> {
  /** A name, which the tasks that follow have. */
  onName(name: string): N;
  /** A task that is due at once. */
  onTask(producer: Producer, id: number, name: N, payload: unknown): void;
  /** A task that is due later, at once when `due` is negative infinity, or one with rarer options. */
  onTimedTask(
    producer: Producer,
    id: number,
    name: N,
    payload: unknown,
    due: number,
    options: RemoteOptions | undefined,
  ): void;
  /** A task that is due at once, and is not to run before what follows it has been taken. */
  onPostponedTask(producer: Producer, id: number, name: N, payload: unknown, options: RemoteOptions | undefined): void;
  /** A task that cannot be run, because its payload cannot be read. */
  onUnreadable(producer: Producer, id: number, name: N, error: unknown): void;
  /** Something is to be done with a task. Returns the answer. */
  onControl(producer: Producer, id: number, operation: number): number;
  /** A time on the system's monotonic clock, or on a time machine's, as one on the clock that the recipient goes by now. */
  dueTime(time: number, isVirtual: boolean): number;
}

export class Producer {
  /** Tasks that wait for their time or are suspended, by their ids. */
  readonly tasks: Map<number, unknown> = new Map();
  /** Tasks whose promise is pending, by their ids: what aborts them. */
  readonly running: Map<number, { abort(): void }> = new Map();
  /** Calls whose result somebody still waits for. */
  readonly calls: Set<number> = new Set();
  /** How many records are left of those that were there when the pass began. */
  quota = 0;
  /** How many tasks it has scheduled. */
  received = 0;
  readonly #reader: RecordReader;
  readonly #activity: RemoteThreadActivity;
  readonly #threadId: number;
  readonly #number: number;
  readonly #handler: RecordHandler;
  readonly #names: unknown[] = [];
  readonly #replies: ReplySender;
  readonly #doorbell: WaitableEvent | undefined;
  readonly #lookahead: Lookahead;
  /** Whether the next record may be one that {@link Producer.#take} alone can take. */
  #isSimple = true;
  #round = 0;
  /** What came for the task that has this id. */
  #options: RemoteOptions | undefined;
  #optionsOf = 0;
  /** What stands for their key. */
  #key = 0;

  constructor(
    introduction: Introduction,
    handler: RecordHandler,
    claimPayload: (from: string, claim: number) => unknown,
  ) {
    const { ring, replies, doorbell, channel, activity, threadId, number } = introduction;
    this.#activity = new RemoteThreadActivity(activity);
    this.#threadId = threadId;
    this.#number = number;
    this.#reader = new RecordReader(ring, (claim) => claimPayload(channel, claim));
    this.#lookahead = new Lookahead(this.#reader.record);
    this.#handler = handler;
    this.#replies = new ReplySender(replies, channel, () => this.#ring());
    this.#doorbell = openDoorbell(doorbell);
  }

  /** Whether its thread has ended, or it was closed: what is in its queue is all there will be. */
  get isGone(): boolean {
    return this.#doorbell?.closed !== false;
  }

  /** Whether it waits for the manager or for nothing: see `activity.ts`. */
  get isQuiescent(): boolean {
    return this.isGone || this.#activity.isQuiescent(() => this.available > 0);
  }

  /** The thread that it belongs to. */
  get threadId(): number {
    return this.#threadId;
  }

  /** Whether it is another one's elder: by its thread, then by its number there, neither of which depends on who was faster. */
  comesBefore(other: Producer): boolean {
    return this.#threadId === other.#threadId ? this.#number < other.#number : this.#threadId < other.#threadId;
  }

  /** Says whether the manager looks into the queue by itself. */
  setPolling(isPolling: boolean): void {
    this.#reader.record.setPolling(isPolling);
  }

  /** How many records there are to take. */
  get available(): number {
    return this.#reader.available;
  }

  /** Whether a payload has begun to come and not ended. */
  get isIncomplete(): boolean {
    return this.#reader.isIncomplete || this.#options !== undefined;
  }

  /** A pass begins, which takes all records that are there: `quota`. */
  beginPass(): void {
    this.quota = this.available;
    this.#lookahead.look(this.quota);
    this.#updateSimple();
  }

  /** Takes up to `count` records. */
  readQuantum(count: number): void {
    this.#round += 1;
    const turn = this.#round;
    // When a task makes another turn begin, that one takes the rest of this one's records.
    for (let index = 0; index < count && turn === this.#round; index += 1) {
      this.#take();
    }
    if (this.#reader.publish()) {
      this.#ring();
    }
  }

  /** Answers a call; after its result nobody waits for it any more. */
  reply(id: number, result: unknown): void {
    // For most tasks nobody waits, and to look for one costs more than the task.
    if (this.calls.size > 0) {
      this.#answer(id, result);
    }
  }

  /** Answers a call with what its task threw; false when nobody waits for it. */
  replyError(id: number, error: unknown): boolean {
    const isAwaited = this.calls.delete(id);
    if (isAwaited) {
      this.#activity.send();
      this.#replies.sendError(id, error);
    }
    return isAwaited;
  }

  /** Whether it was answered, since this was asked last, while it looked for that: it may ask again at once. */
  consumeAnswered(): boolean {
    const { hasAnsweredPoller } = this.#replies;
    this.#replies.hasAnsweredPoller = false;
    return hasAnsweredPoller;
  }

  /** Sends the replies for which there was no room. */
  flush(): void {
    if (this.#replies.hasWaiting) {
      this.#replies.flush();
    }
  }

  /** Lets go of what it holds. Its tasks stay. */
  release(): void {
    this.#doorbell?.[release]();
  }

  /** How many tasks are in its queue. */
  countTasks(): number {
    let tasks = 0;
    this.#reader.record.lookAhead(this.available, (kind) => {
      tasks += TASKS.has(kind & RECORD_MASK) ? 1 : 0;
    });
    return tasks;
  }

  /** Closes the connection: the producer gets to know, and a turn that is under way ends. */
  close(): void {
    this.#round += 1;
    // Whoever waits for a result is told by the bell, and by nothing else.
    this.calls.clear();
    this.#doorbell?.close();
  }

  #take(): void {
    const reader = this.#reader;
    const { kind, name, id } = reader.record;
    try {
      if ((kind & (RECORD_MASK | RECORD_CALL)) === RECORD_NOW && this.#isSimple) {
        this.received += 1;
        this.#handler.onTask(this, id, this.#names[name], reader.readPayload());
      } else {
        this.#readRarer(kind, name, id);
      }
    } catch (error) {
      // What a task throws does not come here. But this thread may have less stack, or less memory, than the one that wrote the payload.
      this.#handler.onUnreadable(this, id, this.#names[name], error);
    }
  }

  /**
   * Takes a record that is not a simple task. V8 compiles the way of those in one piece, from `#take()` to their handlers, as long
   * as it has at most 920 bytes of bytecode, and calls what is beyond: a task costs up to 80 ns then instead of 55.
   */
  #readRarer(kind: number, name: number, id: number): void {
    const reader = this.#reader;
    if (needsLookahead(kind, name)) {
      this.#lookahead.onMarked();
    }
    switch (kind & RECORD_MASK) {
      case RECORD_NOW:
        this.received += 1;
        if ((kind & RECORD_CALL) !== 0) {
          this.calls.add(id);
        }
        this.#readNow(id, name);
        break;
      case RECORD_AT:
        this.received += 1;
        this.#readTimed(id, name, this.#handler.dueTime(reader.record.time, false));
        break;
      case RECORD_AT_VIRTUAL:
        this.received += 1;
        this.#readTimed(id, name, this.#handler.dueTime(reader.record.time, true));
        break;
      case RECORD_NAME:
        this.#names[name] = this.#handler.onName(reader.readPayload() as string);
        break;
      case RECORD_PIECE:
        reader.readPiece();
        break;
      case RECORD_OPTIONS:
        this.#key = name;
        this.#options = reader.readPayload() as RemoteOptions;
        this.#optionsOf = id;
        this.#updateSimple();
        break;
      case RECORD_CONTROL:
        this.#readControl(id, name, reader.record.value);
        break;
      default:
        reader.record.advance();
    }
  }

  #answer(id: number, result: unknown): void {
    if (this.calls.delete(id)) {
      this.#activity.send();
      this.#replies.send(id, result);
    }
  }

  #updateSimple(): void {
    this.#isSimple = this.#options === undefined && !this.#lookahead.isNeeded;
  }

  /** A task that is due at once, but may have options, or something may follow that concerns it. */
  #readNow(id: number, name: number): void {
    const isPostponed = this.#concernsKey() || this.#lookahead.concernsId(id);
    const options = this.#consumeOptions(id);
    const payload = this.#reader.readPayload();
    if (isPostponed) {
      this.#handler.onPostponedTask(this, id, this.#names[name], payload, options);
    } else if (options === undefined) {
      this.#handler.onTask(this, id, this.#names[name], payload);
    } else {
      this.#handler.onTimedTask(this, id, this.#names[name], payload, Number.NEGATIVE_INFINITY, options);
    }
  }

  #readTimed(id: number, name: number, due: number): void {
    this.#concernsKey();
    const options = this.#consumeOptions(id);
    this.#handler.onTimedTask(this, id, this.#names[name], this.#reader.readPayload(), due, options);
  }

  #concernsKey(): boolean {
    return this.#options?.key !== undefined && this.#lookahead.concernsKey(this.#key);
  }

  #consumeOptions(id: number): RemoteOptions | undefined {
    // Those of another one, whose producer could not finish it, are nobody's.
    const options = this.#optionsOf === id ? this.#options : undefined;
    this.#options = undefined;
    this.#updateSimple();
    return options;
  }

  #readControl(id: number, answer: number, operation: number): void {
    this.#reader.record.advance();
    if (operation === CONTROL_ABANDON) {
      this.calls.delete(id);
      this.#handler.onControl(this, id, operation);
    } else {
      this.calls.add(answer);
      this.reply(answer, this.#handler.onControl(this, id, operation));
    }
  }

  #ring(): void {
    try {
      this.#doorbell?.set();
    } catch (error) {
      // Its thread has ended: nobody waits any more.
      if (!(error instanceof EventClosedError)) {
        throw error;
      }
    }
  }
}

/** Opens a producer's event; what its thread had scheduled before it ended is there all the same. */
function openDoorbell(handle: Introduction['doorbell']): WaitableEvent | undefined {
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
