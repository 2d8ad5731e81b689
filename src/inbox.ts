/** The manager's side of its producers: takes their records in, in turns, and sends the answers. */

import { EventClosedError, InvalidHandleError } from './errors';
import { takeApart } from './error-transfer';
import { WaitableEvent } from './event';
import { Mail, Post } from './mail';
import { type EncodedPayload, PAYLOAD_BYTES, PAYLOAD_NONE, encodePayload } from './payload';
import { RingProducer } from './ring';
import type { Task } from './task';
import {
  CONTROL_ABANDON,
  type ChannelMessage,
  type Introduction,
  RECORD_AT,
  RECORD_CALL,
  RECORD_CONTROL,
  RECORD_MASK,
  RECORD_NAME,
  RECORD_OPTIONS,
  REPLY_ERROR,
  REPLY_PIECE,
  REPLY_RESULT,
  type RemoteOptions,
} from './task-protocol';

/** How many records of one producer are taken before it is the next one's turn. */
const TURN = 64;

/** What an inbox delivers to. */
export interface Recipient {
  /** A task: due at once when `due` is negative infinity. */
  onTask(producer: Producer, id: number, name: string, payload: unknown, due: number, options?: RemoteOptions): void;
  /** Something is to be done with a task. Returns the answer. */
  onControl(producer: Producer, id: number, operation: number): number;
}

/** A reply that waits for room. */
interface Reply {
  readonly kind: number;
  readonly id: number;
  readonly value: number;
  data: Uint8Array | undefined;
}

/** One producer, seen from the manager. */
export class Producer {
  readonly mail: Mail;
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
  readonly #names: string[] = [];
  readonly #replies: RingProducer;
  readonly #waiting: Reply[] = [];
  readonly #bell: WaitableEvent | undefined;
  readonly #channel: string;
  readonly #encoded: EncodedPayload = { kind: PAYLOAD_NONE, value: 0, data: undefined };
  #tickets = 0;
  #turn = 0;
  #options: RemoteOptions | undefined;

  constructor(introduction: Introduction, redeem: (from: string, ticket: number) => unknown) {
    const { ring, replies, bell, channel } = introduction;
    this.mail = new Mail(ring, (ticket) => redeem(channel, ticket));
    this.#replies = new RingProducer(replies);
    this.#channel = channel;
    this.#bell = openBell(bell);
  }

  /** Whether its thread has ended, or it was closed: what is in its queue is all there will be. */
  get isGone(): boolean {
    return this.#bell?.closed !== false;
  }

  /** Whether there are replies for which there was no room. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes up to `count` records. */
  takeTurn(count: number, recipient: Recipient): void {
    this.#turn += 1;
    const turn = this.#turn;
    // When a task makes another turn begin, that one takes the rest of this one's records.
    for (let index = 0; index < count && turn === this.#turn; index += 1) {
      if (this.mail.next()) {
        this.#takeRecord(recipient);
      }
    }
    if (this.mail.publish()) {
      this.#ring();
    }
  }

  /** Answers a call; after its result nobody waits for it any more. */
  reply(id: number, result: unknown): void {
    if (!this.calls.delete(id)) {
      return;
    }
    try {
      this.#send(REPLY_RESULT, id, result);
    } catch (error) {
      // The result cannot be cloned; that is the caller's to know.
      this.#send(REPLY_ERROR, id, takeApart(error));
    }
  }

  /** Answers a call with what its task threw; false when nobody waits for it. */
  replyError(id: number, error: unknown): boolean {
    const awaited = this.calls.delete(id);
    if (awaited) {
      this.#send(REPLY_ERROR, id, takeApart(error));
    }
    return awaited;
  }

  /** Sends what waits for room. */
  flush(): void {
    this.#sendWaiting();
    if (this.hasWaiting) {
      // First say that we wait, then look again: the producer makes room first and looks for us afterwards.
      this.#replies.setWaiting(true);
      this.#sendWaiting();
    }
    if (!this.hasWaiting) {
      this.#replies.setWaiting(false);
    }
  }

  #sendWaiting(): void {
    const sent = this.#waiting.findIndex(
      ({ kind, id, value, data }) => !this.#replies.push(kind, 0, value, 0, id, data),
    );
    const count = sent < 0 ? this.#waiting.length : sent;
    if (count > 0) {
      this.#waiting.splice(0, count);
      this.#ring();
    }
  }

  /** Lets go of what it holds. Its tasks stay. */
  release(): void {
    this.#bell?.release();
  }

  /** Closes the connection: the producer gets to know, and a turn that is under way ends. */
  close(): void {
    this.#turn += 1;
    // Whoever waits for a result is told by the bell, and by nothing else.
    this.calls.clear();
    this.#bell?.close();
  }

  #takeRecord(recipient: Recipient): void {
    const { mail } = this;
    const { kind, name, id, time, value } = mail.record;
    switch (kind & RECORD_MASK) {
      case RECORD_NAME:
        this.#names[name] = mail.text();
        return;
      case RECORD_OPTIONS:
        this.#options = mail.payload() as RemoteOptions;
        return;
      case RECORD_CONTROL:
        if (value === CONTROL_ABANDON) {
          this.calls.delete(id);
          recipient.onControl(this, id, value);
        } else {
          this.calls.add(name);
          this.reply(name, recipient.onControl(this, id, value));
        }
        return;
      default:
    }
    const due = (kind & RECORD_MASK) === RECORD_AT ? time : Number.NEGATIVE_INFINITY;
    const options = this.#options;
    this.#options = undefined;
    if ((kind & RECORD_CALL) !== 0) {
      this.calls.add(id);
    }
    this.received += 1;
    recipient.onTask(this, id, this.#names[name] as string, mail.payload(), due, options);
  }

  #send(kind: number, id: number, payload: unknown): void {
    const encoded = this.#encoded;
    encodePayload(payload, encoded, (unwritable) => this.#sendByChannel(unwritable));
    let rest = encoded.data;
    while (rest !== undefined && rest.length > this.#replies.largest) {
      this.#waiting.push({ kind: REPLY_PIECE, id, value: 0, data: rest.subarray(0, this.#replies.largest) });
      rest = rest.subarray(this.#replies.largest);
    }
    this.#waiting.push({ kind: kind | encoded.kind, id, value: encoded.value, data: rest });
    this.flush();
    if (encoded.kind === PAYLOAD_BYTES) {
      // What has to wait is sent as it is now, whatever the handler does with its buffer.
      for (const reply of this.#waiting) {
        if (reply.id === id && reply.data !== undefined) {
          reply.data = new Uint8Array(reply.data);
        }
      }
    }
  }

  #sendByChannel(payload: unknown): number {
    this.#tickets += 1;
    Post.send(this.#channel, { from: this.#channel, ticket: this.#tickets, payload });
    return this.#tickets;
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

/** All producers of one manager. */
export class Inbox {
  readonly #recipient: Recipient;
  readonly #post: Post;
  readonly #producers = new Set<Producer>();
  readonly #payloads = new Map<string, unknown>();
  readonly #onIntroduction: () => void;
  /** Tasks whose payload had begun to come when their thread ended. */
  torn = 0;
  #receivedFromGone = 0;

  constructor(channel: string, recipient: Recipient, onIntroduction: () => void) {
    this.#recipient = recipient;
    this.#onIntroduction = onIntroduction;
    this.#post = new Post(channel, (message) => this.#onMessage(message));
  }

  /** How many tasks came from other threads. */
  get received(): number {
    let sum = this.#receivedFromGone;
    this.#producers.forEach((producer) => (sum += producer.received));
    return sum;
  }

  /** Whether there is nothing to take. */
  isEmpty(): boolean {
    for (const producer of this.#producers) {
      if (producer.hasWaiting) {
        producer.flush();
      }
      if (producer.mail.available > 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Takes what was there when it began, in turns, so that no producer waits for all of another's. `posted` says that somebody may
   * have introduced itself. A task may have the loop make a pass, which drains too and leaves nothing for this one, or close
   * the manager.
   */
  drain(posted: boolean): void {
    if (posted) {
      while (this.#post.fetch()) {
        // Each message puts itself where it belongs.
      }
    }
    for (const producer of this.#producers) {
      // In this order: once it is gone, nothing more comes.
      const { isGone } = producer;
      producer.quota = producer.mail.available;
      if (isGone && producer.quota === 0) {
        this.torn += producer.mail.isTorn ? 1 : 0;
        this.#receivedFromGone += producer.received;
        producer.release();
        this.#producers.delete(producer);
      } else if (producer.hasWaiting) {
        producer.flush();
      }
    }
    let isDone: boolean;
    do {
      isDone = true;
      for (const producer of this.#producers) {
        const count = Math.min(producer.quota, TURN);
        if (count > 0) {
          isDone = false;
          producer.quota -= count;
          producer.takeTurn(count, this.#recipient);
        }
      }
    } while (!isDone);
  }

  close(): void {
    this.#post.close();
    this.#receivedFromGone = this.received;
    this.#producers.forEach((producer) => producer.close());
    this.#producers.clear();
  }

  #onMessage(message: ChannelMessage): void {
    if ('introduction' in message) {
      this.#producers.add(new Producer(message.introduction, (from, ticket) => this.#redeem(from, ticket)));
      this.#onIntroduction();
    } else {
      this.#payloads.set(`${message.from} ${message.ticket}`, message.payload);
    }
  }

  #redeem(from: string, ticket: number): unknown {
    const key = `${from} ${ticket}`;
    // It was sent before its ticket.
    while (!this.#payloads.has(key) && this.#post.fetch()) {
      // Each message puts itself away.
    }
    const payload = this.#payloads.get(key);
    this.#payloads.delete(key);
    return payload;
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
