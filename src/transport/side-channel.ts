/**
 * What travels from thread to thread beside the rings: messages, and payloads that only a channel of Node's carries.
 *
 * A channel is a BroadcastChannel, because its two ends find each other by name, without a port that one would have to
 * bring to the other. Some objects (keys, Blobs) only pass through one that has exactly two members, and a closed
 * member still counts until its thread's event loop comes round. So each direction of a connection has its own channel,
 * with one {@link ChannelPayloadSender} and one {@link SideChannel}, which stay open as long as the connection.
 *
 * Where only the event loop delivers messages, a payload may come after the record with its claim. A record whose
 * payload has not arrived is then read later, with all after it: `RecordReader.available`.
 */

import type { BroadcastChannel } from 'node:worker_threads';

import { canReadChannels, workerThreads } from '../platform';

/** A payload, and the claim that travels through the ring in its place. */
interface ClaimablePayload {
  /** Who sends: the same in all messages of a channel. */
  readonly from: string;
  readonly claim: number;
  readonly payload: unknown;
}

/** Says that a payload is not going to be claimed. */
interface Withdrawal {
  readonly withdrawn: number;
}

/** What {@link keepReceiving} keeps open. */
let kept: BroadcastChannel | undefined;

/**
 * Keeps one channel of this thread open, where only the event loop reads them. After a thread of Deno has closed all of
 * its channels, the next one that it opens receives nothing.
 */
function keepReceiving(): void {
  if (!canReadChannels && kept === undefined) {
    kept = new (workerThreads().BroadcastChannel)('waitable-event.kept');
    kept.unref();
  }
}

/** Sends one message to the thread that reads the channel called `name`. */
export function postToChannel(name: string, message: unknown): void {
  const channel = new (workerThreads().BroadcastChannel)(name);
  try {
    channel.postMessage(message);
  } finally {
    channel.close();
  }
}

/** The writing end of a channel for payloads, whose reading end must exist. */
export class ChannelPayloadSender {
  readonly #name: string;
  readonly #from: string;
  /** Opened for the first payload. */
  #channel: BroadcastChannel | undefined;
  #claims = 0;

  /** `name` is that of the channel, `from` that of the sender. */
  constructor(name: string, from: string) {
    this.#name = name;
    this.#from = from;
  }

  /**
   * Sends a payload, and returns the claim by which the reader finds it. Throws a DataCloneError when it cannot be
   * cloned.
   */
  send(payload: unknown): number {
    const claim = this.#claims + 1;
    const message: ClaimablePayload = { from: this.#from, claim, payload };
    // A getter of the payload may send another one, which must not have the same claim.
    this.#claims = claim;
    this.post(message);
    return claim;
  }

  /** Sends a message that is no payload. */
  post(message: object): void {
    if (this.#channel === undefined) {
      this.#channel = new (workerThreads().BroadcastChannel)(this.#name);
      this.#channel.unref();
    }
    try {
      this.#channel.postMessage(message);
    } catch (error) {
      if (!canReadChannels) {
        // Deno's channel throws a TypeError where structuredClone() throws a DataCloneError.
        structuredClone(message);
      }
      throw error;
    }
  }

  /** Says that no record will have this claim, so that the reader drops the payload. */
  withdraw(claim: number): void {
    const message: Withdrawal = { withdrawn: claim };
    this.#channel?.postMessage(message);
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }
}

/**
 * The reading end of a channel. Node's event loop delivers its messages; {@link SideChannel.fetch} reads them where the
 * event loop stands still. `M` is the type of the messages that are no payloads.
 */
export class SideChannel<M extends object> {
  /** Who sends the payloads; undefined before the first one. */
  from: string | undefined;
  readonly #channel: BroadcastChannel;
  readonly #onMessage: (message: M) => void;
  readonly #onPayload: () => void;
  /** Payloads that were not claimed yet, by their claims. */
  readonly #payloads = new Map<number, unknown>();

  /** `onPayload` is called when a payload has arrived, in Node's event loop or in {@link SideChannel.fetch}. */
  constructor(name: string, onMessage: (message: M) => void, onPayload: () => void) {
    this.#onMessage = onMessage;
    this.#onPayload = onPayload;
    keepReceiving();
    this.#channel = new (workerThreads().BroadcastChannel)(name);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- Node types the channel without it
    this.#channel.onmessage = (event) => this.#deliver((event as { data: unknown }).data);
    this.#channel.unref();
  }

  /** Returns whether {@link SideChannel.claimPayload} has something to return for `claim`, or to throw. */
  hasArrived(claim: number): boolean {
    return canReadChannels || this.#payloads.has(claim);
  }

  /** Delivers one message that has arrived; returns false when there is none. */
  fetch(): boolean {
    if (!canReadChannels) {
      return false;
    }
    const received: { message: unknown } | undefined = workerThreads().receiveMessageOnPort(this.#channel as never);
    if (received === undefined) {
      return false;
    }
    this.#deliver(received.message);
    return true;
  }

  /**
   * Returns the payload with the number `claim`, which was sent before its claim, so it has arrived. Throws if it could
   * not be read in this thread.
   */
  claimPayload(claim: number): unknown {
    const payloads = this.#payloads;
    while (!payloads.has(claim) && this.fetch()) {
      // Each message is delivered, until this one was.
    }
    if (!payloads.has(claim)) {
      throw new DOMException('The payload could not be read in this thread', 'DataCloneError');
    }
    const payload = payloads.get(claim);
    payloads.delete(claim);
    return payload;
  }

  close(): void {
    this.#channel.close();
    this.#payloads.clear();
  }

  #deliver(message: unknown): void {
    // Any thread that knows the name can post anything.
    if (typeof message !== 'object' || message === null) {
      return;
    }
    if ('claim' in message) {
      const { from, claim, payload } = message as ClaimablePayload;
      this.from = from;
      this.#payloads.set(claim, payload);
      this.#onPayload();
    } else if ('withdrawn' in message) {
      this.#payloads.delete((message as Withdrawal).withdrawn);
    } else {
      this.#onMessage(message as M);
    }
  }
}
