/** The reading side of a ring, put together: pieces become whole payloads, and tickets what they stand for. */

import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { PAYLOAD_MASK, decodePayload } from './payload';
import { RingConsumer, type RingMemory, type RingRecord } from './ring';
import { RECORD_MASK, RECORD_PIECE, type ChannelMessage } from './task-protocol';

/** A channel that is read by Node's event loop, or by force where that stands still. */
export class Post {
  readonly #channel: BroadcastChannel;
  readonly #onMessage: (message: ChannelMessage) => void;

  constructor(name: string, onMessage: (message: ChannelMessage) => void) {
    this.#onMessage = onMessage;
    this.#channel = new BroadcastChannel(name);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- Node types the channel without it
    this.#channel.onmessage = (event) => onMessage((event as { data: ChannelMessage }).data);
    this.#channel.unref();
  }

  /** Reads one message that has come and was not delivered yet; false when there is none. */
  fetch(): boolean {
    const received: { message: ChannelMessage } | undefined = receiveMessageOnPort(this.#channel as never);
    if (received === undefined) {
      return false;
    }
    this.#onMessage(received.message);
    return true;
  }

  close(): void {
    this.#channel.close();
  }

  /** Sends one message to whoever reads the channel with this name. */
  static send(name: string, message: ChannelMessage): void {
    const channel = new BroadcastChannel(name);
    try {
      channel.postMessage(message);
    } finally {
      channel.close();
    }
  }
}

/** The records of one ring. */
export class Mail {
  readonly record: RingRecord = { kind: 0, name: 0, value: 0, time: 0, size: 0, id: 0 };
  readonly #ring: RingConsumer;
  readonly #redeem: (ticket: number) => unknown;
  #pieces: Buffer[] = [];
  #data: Buffer | undefined;

  constructor(memory: RingMemory, redeem: (ticket: number) => unknown) {
    this.#ring = new RingConsumer(memory);
    this.#redeem = redeem;
  }

  get available(): number {
    return this.#ring.available;
  }

  /** Whether a payload has begun to come and not ended. */
  get isTorn(): boolean {
    return this.#pieces.length > 0;
  }

  /** Takes the next record, which is there, into {@link Mail.record}; false when it is a piece of a later one. */
  next(): boolean {
    const { record } = this;
    this.#ring.peek(record);
    this.#data = record.size > 0 ? this.#ring.take(record.size) : undefined;
    this.#ring.advance();
    if ((record.kind & RECORD_MASK) === RECORD_PIECE) {
      this.#pieces.push(this.#data as Buffer);
      return false;
    }
    return true;
  }

  /** The record's bytes, as text. */
  text(): string {
    return this.#data?.toString() ?? '';
  }

  /** The record's payload, with the pieces that came before it. */
  payload(): unknown {
    if (this.#pieces.length > 0) {
      this.#data = Buffer.concat([...this.#pieces, this.#data ?? Buffer.alloc(0)]);
      this.#pieces = [];
    }
    return decodePayload(this.record.kind & PAYLOAD_MASK, this.record.value, this.#data, this.#redeem);
  }

  /** Gives the room back; true when the writer sleeps until there is some. */
  publish(): boolean {
    return this.#ring.publish();
  }
}
