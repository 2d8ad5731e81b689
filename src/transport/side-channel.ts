/** What goes from thread to thread by a channel: introductions, and payloads that only a channel carries. */

import type { BroadcastChannel } from 'node:worker_threads';

import { workerThreads } from '../platform/lazy-builtins';
import type { ChannelMessage } from '../protocol/handle';

/** A channel that is read by Node's event loop, or by force where that stands still. */
export class SideChannel {
  readonly #channel: BroadcastChannel;
  readonly #onMessage: (message: ChannelMessage) => void;

  constructor(name: string, onMessage: (message: ChannelMessage) => void) {
    this.#onMessage = onMessage;
    this.#channel = new (workerThreads().BroadcastChannel)(name);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- Node types the channel without it
    this.#channel.onmessage = (event) => onMessage((event as { data: ChannelMessage }).data);
    this.#channel.unref();
  }

  /** Reads one message that has come and was not delivered yet; false when there is none. */
  fetch(): boolean {
    const received: { message: ChannelMessage } | undefined = workerThreads().receiveMessageOnPort(
      this.#channel as never,
    );
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
    const channel = new (workerThreads().BroadcastChannel)(name);
    try {
      channel.postMessage(message);
    } finally {
      channel.close();
    }
  }
}
