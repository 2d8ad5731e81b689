/**
 * What travels from thread to thread beside the rings: messages, and payloads that only a channel of Node's carries.
 */

import type { BroadcastChannel } from 'node:worker_threads';
import { workerThreads } from '../platform';

/** A payload, and the claim that travels through the ring in its place. */
interface ClaimablePayload {
  readonly from: string;
  readonly claim: number;
  readonly payload: unknown;
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

/** Sends payloads through a channel. */
export class ChannelPayloadSender {
  readonly #to: string;
  readonly #from: string;
  #claims = 0;

  /** `to` is the name of the channel, `from` tells the senders on it apart. */
  constructor(to: string, from: string) {
    this.#to = to;
    this.#from = from;
  }

  /**
   * Sends a payload, and returns the claim by which the reader finds it. Throws a DataCloneError when it cannot be
   * cloned.
   */
  send(payload: unknown): number {
    this.#claims += 1;
    const claim = this.#claims;
    const message: ClaimablePayload = { from: this.#from, claim, payload };
    postToChannel(this.#to, message);
    return claim;
  }
}

/**
 * The reading end of a channel. Node's event loop delivers its messages; {@link SideChannel.fetch} reads them where the
 * event loop stands still. `M` is the type of the messages that are no payloads.
 */
export class SideChannel<M extends object> {
  readonly #channel: BroadcastChannel;
  readonly #onMessage: (message: M) => void;
  /** Payloads that were not claimed yet. */
  readonly #payloads = new Map<string, unknown>();

  constructor(name: string, onMessage: (message: M) => void) {
    this.#onMessage = onMessage;
    this.#channel = new (workerThreads().BroadcastChannel)(name);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- Node types the channel without it
    this.#channel.onmessage = (event) => this.#deliver((event as { data: unknown }).data);
    this.#channel.unref();
  }

  /** Delivers one message that has arrived; returns false when there is none. */
  fetch(): boolean {
    const received: { message: unknown } | undefined = workerThreads().receiveMessageOnPort(this.#channel as never);
    if (received === undefined) {
      return false;
    }
    this.#deliver(received.message);
    return true;
  }

  /**
   * Returns the payload that `from` has sent under the number `claim`. It was sent before its claim, so it has arrived.
   */
  claimPayload(from: string, claim: number): unknown {
    const key = keyOf(from, claim);
    while (!this.#payloads.has(key) && this.fetch()) {
      // Each message is delivered, until this one was.
    }
    const payload = this.#payloads.get(key);
    this.#payloads.delete(key);
    return payload;
  }

  close(): void {
    this.#channel.close();
  }

  #deliver(message: unknown): void {
    // Any thread that knows the name can post anything.
    if (typeof message !== 'object' || message === null) {
      return;
    }
    if ('claim' in message) {
      const { from, claim, payload } = message as ClaimablePayload;
      this.#payloads.set(keyOf(from, claim), payload);
    } else {
      this.#onMessage(message as M);
    }
  }
}

function keyOf(from: string, claim: number): string {
  return `${from} ${claim}`;
}
