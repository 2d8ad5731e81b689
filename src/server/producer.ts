/** One producer, seen from the manager. */

import { EventClosedError, InvalidHandleError } from '../util/errors';
import { WaitableEvent } from '../event/waitable-event';
import { Foresight, isMarked } from './lookahead';
import { Mail } from '../transport/record-reader';
import { RemotePace } from '../virtual-time/thread-activity';
import { Replies } from './reply-sender';
import type { Task } from '../tasks/task';
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
} from '../protocol/records';

/** Records that are tasks. */
const TASKS: ReadonlySet<number> = new Set([RECORD_NOW, RECORD_AT, RECORD_AT_VIRTUAL]);

/** What a producer's records are delivered to; `N` is what it knows of a name. */
export interface Recipient<N = unknown> {
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
  readonly tasks: Map<number, Task> = new Map();
  /** Tasks whose promise is pending, by their ids: what aborts them. */
  readonly running: Map<number, { abort(): void }> = new Map();
  /** Calls whose result somebody still waits for. */
  readonly calls: Set<number> = new Set();
  /** How many records are left of those that were there when the pass began. */
  quota = 0;
  /** How many tasks it has scheduled. */
  received = 0;
  readonly #mail: Mail;
  readonly #pace: RemotePace;
  readonly #threadId: number;
  readonly #number: number;
  readonly #recipient: Recipient;
  readonly #names: unknown[] = [];
  readonly #replies: Replies;
  readonly #bell: WaitableEvent | undefined;
  readonly #foresight: Foresight;
  /** Whether the next record may be one that {@link Producer.#take} alone can take. */
  #isSimple = true;
  #turn = 0;
  /** What came for the task that has this id. */
  #options: RemoteOptions | undefined;
  #optionsOf = 0;
  /** What stands for their key. */
  #key = 0;

  constructor(introduction: Introduction, recipient: Recipient, redeem: (from: string, ticket: number) => unknown) {
    const { ring, replies, bell, channel, pace, threadId, number } = introduction;
    this.#pace = new RemotePace(pace);
    this.#threadId = threadId;
    this.#number = number;
    this.#mail = new Mail(ring, (ticket) => redeem(channel, ticket));
    this.#foresight = new Foresight(this.#mail.record);
    this.#recipient = recipient;
    this.#replies = new Replies(replies, channel, () => this.#ring());
    this.#bell = openBell(bell);
  }

  /** Whether its thread has ended, or it was closed: what is in its queue is all there will be. */
  get isGone(): boolean {
    return this.#bell?.closed !== false;
  }

  /** Whether it waits for the manager or for nothing: see `pace.ts`. */
  get isAtRest(): boolean {
    return this.isGone || this.#pace.isAtRest(() => this.available > 0);
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
  setLooking(isLooking: boolean): void {
    this.#mail.record.setLooking(isLooking);
  }

  /** How many records there are to take. */
  get available(): number {
    return this.#mail.available;
  }

  /** Whether a payload has begun to come and not ended. */
  get isTorn(): boolean {
    return this.#mail.isTorn || this.#options !== undefined;
  }

  /** A pass begins, which takes all records that are there: `quota`. */
  beginPass(): void {
    this.quota = this.available;
    this.#foresight.look(this.quota);
    this.#updateSimple();
  }

  /** Takes up to `count` records. */
  takeTurn(count: number): void {
    this.#turn += 1;
    const turn = this.#turn;
    // When a task makes another turn begin, that one takes the rest of this one's records.
    for (let index = 0; index < count && turn === this.#turn; index += 1) {
      this.#take();
    }
    if (this.#mail.publish()) {
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
      this.#pace.send();
      this.#replies.sendError(id, error);
    }
    return isAwaited;
  }

  /** Whether it was answered, since this was asked last, while it looked for that: it may ask again at once. */
  takeAnswered(): boolean {
    const { hasAnsweredLooker } = this.#replies;
    this.#replies.hasAnsweredLooker = false;
    return hasAnsweredLooker;
  }

  /** Sends the replies for which there was no room. */
  flush(): void {
    if (this.#replies.hasWaiting) {
      this.#replies.flush();
    }
  }

  /** Lets go of what it holds. Its tasks stay. */
  release(): void {
    this.#bell?.release();
  }

  /** How many tasks are in its queue. */
  countTasks(): number {
    let tasks = 0;
    this.#mail.record.lookAhead(this.available, (kind) => {
      tasks += TASKS.has(kind & RECORD_MASK) ? 1 : 0;
    });
    return tasks;
  }

  /** Closes the connection: the producer gets to know, and a turn that is under way ends. */
  close(): void {
    this.#turn += 1;
    // Whoever waits for a result is told by the bell, and by nothing else.
    this.calls.clear();
    this.#bell?.close();
  }

  #take(): void {
    const mail = this.#mail;
    const { kind, name, id } = mail.record;
    try {
      if ((kind & (RECORD_MASK | RECORD_CALL)) === RECORD_NOW && this.#isSimple) {
        this.received += 1;
        this.#recipient.onTask(this, id, this.#names[name], mail.takePayload());
      } else {
        this.#takeRarer(kind, name, id);
      }
    } catch (error) {
      // What a task throws does not come here. But this thread may have less stack, or less memory, than the one that wrote the payload.
      this.#recipient.onUnreadable(this, id, this.#names[name], error);
    }
  }

  /**
   * Takes a record that is not a simple task. V8 compiles the way of those in one piece, from `#take()` to their handlers, as long
   * as it has at most 920 bytes of bytecode, and calls what is beyond: a task costs up to 80 ns then instead of 55.
   */
  #takeRarer(kind: number, name: number, id: number): void {
    const mail = this.#mail;
    if (isMarked(kind, name)) {
      this.#foresight.onMarked();
    }
    switch (kind & RECORD_MASK) {
      case RECORD_NOW:
        this.received += 1;
        if ((kind & RECORD_CALL) !== 0) {
          this.calls.add(id);
        }
        this.#takeNow(id, name);
        break;
      case RECORD_AT:
        this.received += 1;
        this.#takeTimed(id, name, this.#recipient.dueTime(mail.record.time, false));
        break;
      case RECORD_AT_VIRTUAL:
        this.received += 1;
        this.#takeTimed(id, name, this.#recipient.dueTime(mail.record.time, true));
        break;
      case RECORD_NAME:
        this.#names[name] = this.#recipient.onName(mail.takePayload() as string);
        break;
      case RECORD_PIECE:
        mail.takePiece();
        break;
      case RECORD_OPTIONS:
        this.#key = name;
        this.#options = mail.takePayload() as RemoteOptions;
        this.#optionsOf = id;
        this.#updateSimple();
        break;
      case RECORD_CONTROL:
        this.#takeControl(id, name, mail.record.value);
        break;
      default:
        mail.record.advance();
    }
  }

  #answer(id: number, result: unknown): void {
    if (this.calls.delete(id)) {
      this.#pace.send();
      this.#replies.send(id, result);
    }
  }

  #updateSimple(): void {
    this.#isSimple = this.#options === undefined && !this.#foresight.isNeeded;
  }

  /** A task that is due at once, but may have options, or something may follow that concerns it. */
  #takeNow(id: number, name: number): void {
    const isPostponed = this.#takesKey() || this.#foresight.takesId(id);
    const options = this.#takeOptions(id);
    const payload = this.#mail.takePayload();
    if (isPostponed) {
      this.#recipient.onPostponedTask(this, id, this.#names[name], payload, options);
    } else if (options === undefined) {
      this.#recipient.onTask(this, id, this.#names[name], payload);
    } else {
      this.#recipient.onTimedTask(this, id, this.#names[name], payload, Number.NEGATIVE_INFINITY, options);
    }
  }

  #takeTimed(id: number, name: number, due: number): void {
    this.#takesKey();
    const options = this.#takeOptions(id);
    this.#recipient.onTimedTask(this, id, this.#names[name], this.#mail.takePayload(), due, options);
  }

  #takesKey(): boolean {
    return this.#options?.key !== undefined && this.#foresight.takesKey(this.#key);
  }

  #takeOptions(id: number): RemoteOptions | undefined {
    // Those of another one, whose producer could not finish it, are nobody's.
    const options = this.#optionsOf === id ? this.#options : undefined;
    this.#options = undefined;
    this.#updateSimple();
    return options;
  }

  #takeControl(id: number, answer: number, operation: number): void {
    this.#mail.record.advance();
    if (operation === CONTROL_ABANDON) {
      this.calls.delete(id);
      this.#recipient.onControl(this, id, operation);
    } else {
      this.calls.add(answer);
      this.reply(answer, this.#recipient.onControl(this, id, operation));
    }
  }

  #ring(): void {
    try {
      this.#bell?.set();
    } catch (error) {
      // Its thread has ended: nobody waits any more.
      if (!(error instanceof EventClosedError)) {
        throw error;
      }
    }
  }
}

/** Opens a producer's event; what its thread had scheduled before it ended is there all the same. */
function openBell(handle: Introduction['bell']): WaitableEvent | undefined {
  try {
    const bell = WaitableEvent.open(handle);
    bell.closeWithThread();
    return bell;
  } catch (error) {
    if (error instanceof InvalidHandleError || error instanceof EventClosedError) {
      return undefined;
    }
    throw error;
  }
}
