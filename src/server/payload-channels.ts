/** The reading ends of the channels that bring a manager the payloads that only a channel carries. */

import { type OwnerControlBlock, payloadChannelName, splitClaim } from '../protocol';
import { SideChannel } from '../transport';

/** How many channels are open that no producer has taken: so many may send their first payload before the next pass. */
const RESERVE = 4;

/** One channel for each producer that has sent such a payload, and some in reserve: see `control-block.ts`. */
export class PayloadChannels {
  readonly #name: string;
  readonly #control: OwnerControlBlock;
  readonly #channels = new Map<number, SideChannel<never>>();
  #opened = 0;

  /** `name` is that of the manager's channel. */
  constructor(name: string, control: OwnerControlBlock) {
    this.#name = name;
    this.#control = control;
    this.refill();
  }

  /** Opens as many channels as were taken. Returns whether a producer may wait for one of them. */
  refill(): boolean {
    const taken = this.#control.takenChannels;
    const isLate = taken > this.#opened;
    for (; this.#opened < taken + RESERVE; this.#opened += 1) {
      this.#channels.set(this.#opened, new SideChannel(payloadChannelName(this.#name, this.#opened), () => {}));
    }
    this.#control.publishOpenChannels(this.#opened);
    return isLate;
  }

  /** Delivers what has arrived, where the event loop stands still. */
  fetch(): void {
    for (const channel of this.#channels.values()) {
      while (channel.fetch()) {
        // Each message is delivered, or withdraws another one.
      }
    }
  }

  /** Returns the payload for which a record has a claim. */
  claimPayload(joined: number): unknown {
    const [number, claim] = splitClaim(joined);
    const channel = this.#channels.get(number);
    if (channel === undefined) {
      throw new DOMException('The payload was lost: its channel is closed', 'DataCloneError');
    }
    return channel.claimPayload(claim);
  }

  /** Closes the channel of a producer that is gone, if it had one. */
  release(from: string): void {
    this.fetch();
    for (const [number, channel] of this.#channels) {
      if (channel.from === from) {
        channel.close();
        this.#channels.delete(number);
      }
    }
  }

  close(): void {
    for (const channel of this.#channels.values()) {
      channel.close();
    }
    this.#channels.clear();
  }
}
