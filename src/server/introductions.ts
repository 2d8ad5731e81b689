/** Where producers introduce themselves: see `protocol/control-block.ts`. */

import { WaitableEvent } from '../event';
import {
  type Introduction,
  OFFERS_MAX,
  type OwnerControlBlock,
  type Seat,
  freeSeat,
  isAbandoned,
  offeredChannelName,
  readIntroduction,
  readSeat,
} from '../protocol';
import { SideChannel } from '../transport';
import type { Producer } from './producer';

/** How many channels are offered at first. */
const OFFERS_MIN = 4;

/** How many channels may be open whose taker has not introduced itself: it may have been terminated. */
const MOST_TAKEN = 64;

type Channel = SideChannel<object>;

/** A channel that no producer has taken. */
interface Offer {
  readonly channel: Channel;
  readonly key: number;
}

/** Makes a producer. It claims its payloads from the channel that it has taken, if it has one. */
type OnIntroduction = (introduction: Introduction, taken: Channel | undefined) => Producer;

/** The channels on which producers introduce themselves. */
export class Introductions {
  readonly #capacity: number;
  readonly #control: OwnerControlBlock;
  readonly #onIntroduction: OnIntroduction;
  readonly #onPayload: () => void;
  readonly #seats: readonly Seat[];
  readonly #inSeats = new Map<Seat, Producer>();
  /** The channel that the handle names, for the time when all others are taken. */
  readonly #open: Channel;
  readonly #offered: (Offer | undefined)[] = [];
  /** Those whose taker has not introduced itself yet. */
  readonly #taken = new Set<Channel>();
  /** Those of the producers that have taken one. */
  readonly #ofProducers = new Map<Producer, Channel>();
  /** Those on which a producer has introduced itself: there is one for each. */
  readonly #used = new WeakSet<Channel>();
  #count = OFFERS_MIN;

  /** `seats` is empty where channels can be read at any time. `onPayload` is called when a payload has arrived. */
  constructor(
    name: string,
    seats: readonly Seat[],
    capacity: number,
    control: OwnerControlBlock,
    onIntroduction: OnIntroduction,
    onPayload: () => void,
  ) {
    this.#seats = seats;
    this.#onPayload = onPayload;
    this.#capacity = capacity;
    this.#control = control;
    this.#onIntroduction = onIntroduction;
    this.#open = new SideChannel(name, (message) => void this.#introduce(message, undefined), onPayload);
    this.#offer();
  }

  /**
   * Delivers what has arrived, where the event loop stands still, and offers new channels for those that were taken.
   * Returns whether there were any.
   */
  fetch(): boolean {
    // First the offers, then the messages: a message that is there now was posted to a channel that is known as taken.
    const hasOffered = this.#offer();
    this.#readSeats();
    for (const channel of [this.#open, ...this.#taken]) {
      while (channel.fetch()) {
        // Each message is delivered.
      }
    }
    return hasOffered;
  }

  /** Returns a payload of a producer that had taken no channel when it introduced itself, and has taken one since. */
  claimPayload(producer: Producer, claim: number): unknown {
    const channel = this.channelOf(producer);
    if (channel === undefined) {
      throw new DOMException('The payload was lost: its channel is closed', 'DataCloneError');
    }
    return channel.claimPayload(claim);
  }

  /** Returns the channel of such a producer; `undefined` when nothing has arrived on it. */
  channelOf(producer: Producer): SideChannel<object> | undefined {
    let channel = this.#ofProducers.get(producer);
    if (channel === undefined) {
      this.fetch();
      // The name is known to that producer alone, and to the owner.
      channel = [...this.#taken].find(({ from }) => from === producer.channel);
      if (channel !== undefined) {
        this.#use(channel, producer);
      }
    }
    return channel;
  }

  /** Closes the channel of a producer that is gone. */
  release(producer: Producer): void {
    this.#ofProducers.get(producer)?.close();
    this.#ofProducers.delete(producer);
    for (const [seat, occupant] of this.#inSeats) {
      // The thread of a broken producer may still write into its seat, which nothing else gets then.
      if (occupant === producer && !producer.isBroken) {
        this.#inSeats.delete(seat);
        freeSeat(seat);
      }
    }
  }

  close(): void {
    const offered = this.#offered.map((offer) => offer?.channel);
    for (const channel of [this.#open, ...offered, ...this.#taken, ...this.#ofProducers.values()]) {
      channel?.close();
    }
  }

  /** Makes producers of those that have taken a seat, and frees the seats of those that have ended before. */
  #readSeats(): void {
    for (const seat of this.#seats.filter((each) => !this.#inSeats.has(each))) {
      const introduction = readSeat(seat);
      if (introduction !== undefined) {
        this.#inSeats.set(seat, this.#onIntroduction(introduction, undefined));
      } else if (isAbandoned(seat)) {
        freeSeat(seat);
      }
    }
  }

  #use(channel: Channel, producer: Producer): void {
    this.#used.add(channel);
    this.#taken.delete(channel);
    this.#ofProducers.set(producer, channel);
  }

  /** Offers channels for those that were taken. Returns whether there were any. */
  #offer(): boolean {
    let taken = 0;
    for (let index = 0; index < this.#count; index += 1) {
      const offer = this.#offered[index];
      const offered = this.#control.offeredKey(index);
      // Another key is there when a thread has written into the words. Then a producer may have taken the channel, too.
      if (offer === undefined || offered !== offer.key) {
        taken += offer === undefined ? 0 : 1;
        this.#replace(index);
      }
    }
    if (taken === this.#count && this.#count < OFFERS_MAX) {
      this.#count *= 2;
      this.#offer();
    }
    return taken > 0;
  }

  #replace(index: number): void {
    const before = this.#offered[index]?.channel;
    if (before !== undefined && !this.#used.has(before)) {
      this.#taken.add(before);
      const [oldest] = this.#taken;
      if (this.#taken.size > MOST_TAKEN) {
        oldest?.close();
        this.#taken.delete(oldest as Channel);
      }
    }
    this.#offered[index] = undefined;
    const key = makeKey();
    if (key !== undefined) {
      const onMessage = (message: object): void => {
        const producer = this.#used.has(channel) ? undefined : this.#introduce(message, channel);
        if (producer !== undefined) {
          this.#use(channel, producer);
        }
      };
      const channel: Channel = new SideChannel(offeredChannelName(key), onMessage, this.#onPayload);
      this.#offered[index] = { channel, key };
      this.#control.offer(index, key);
    }
  }

  /** Makes a producer, when the message is an introduction. */
  #introduce(message: unknown, taken: Channel | undefined): Producer | undefined {
    const introduction = readIntroduction(message, this.#capacity);
    return introduction === undefined ? undefined : this.#onIntroduction(introduction, taken);
  }
}

/** Returns a number that no other thread can guess: that of an event. Returns `undefined` when there is none. */
function makeKey(): number | undefined {
  try {
    const event = new WaitableEvent();
    const { key } = event.handle;
    event.close();
    return key;
  } catch {
    // No descriptors are left. The channel that the handle names is still there.
    return undefined;
  }
}
