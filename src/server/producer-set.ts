/** The manager's side of all its producers: takes their records in, in turns. */

import { SideChannel } from '../transport/side-channel';
import { Producer, type RecordHandler } from './producer';
import type { ChannelMessage } from '../protocol/handle';

/** How many records of one producer are taken before it is the next one's turn. */
const QUANTUM = 64;

/** From so many records between two sleeps on, producers are at it, and there will be more at once. */
const MANY = 64;

/** All producers of one manager. */
export class ProducerSet {
  readonly #handler: RecordHandler;
  readonly #post: SideChannel;
  /** In their order, so that virtual time is the same each time. */
  readonly #producers = new Set<Producer>();
  readonly #payloads = new Map<string, unknown>();
  readonly #onIntroduction: () => void;
  /** Tasks whose payload had begun to come when their thread ended. */
  incomplete = 0;
  /** Tasks that were in the queues at the end. */
  dropped = 0;
  /** How many producers there have been. */
  connections = 0;
  #receivedFromGone = 0;
  #taken = 0;
  #isPolling = false;

  constructor(channel: string, handler: RecordHandler, onIntroduction: () => void) {
    this.#handler = handler;
    this.#onIntroduction = onIntroduction;
    this.#post = new SideChannel(channel, (message) => this.#onMessage(message));
  }

  /** How many tasks came from other threads. */
  get received(): number {
    let sum = this.#receivedFromGone;
    this.#producers.forEach((producer) => (sum += producer.received));
    return sum;
  }

  /** Whether many records were taken since this was asked last. */
  hasReadMany(): boolean {
    const isMany = this.#taken >= MANY;
    this.#taken = 0;
    return isMany;
  }

  /** Whether somebody was answered, since this was asked last, who may ask again at once. */
  consumeAnswered(): boolean {
    let hasAnswered = false;
    for (const producer of this.#producers) {
      hasAnswered = producer.consumeAnswered() || hasAnswered;
    }
    return hasAnswered;
  }

  /** The threads that are at work: see `activity.ts`. */
  busyThreads(): number[] {
    return [...this.#producers].filter((producer) => !producer.isQuiescent).map(({ threadId }) => threadId);
  }

  /** Takes in who has introduced itself. */
  fetch(): void {
    while (this.#post.fetch()) {
      // Each message puts itself where it belongs.
    }
  }

  /** Sends the replies for which there was no room. */
  flush(): void {
    this.#producers.forEach((producer) => producer.flush());
  }

  /** Says in all queues whether the manager looks into them by itself. Who stops looks once more, afterwards. */
  setPolling(isPolling: boolean): void {
    if (isPolling !== this.#isPolling) {
      this.#isPolling = isPolling;
      for (const producer of this.#producers) {
        producer.setPolling(isPolling);
      }
    }
  }

  /** Whether there is nothing to take. */
  isEmpty(): boolean {
    for (const producer of this.#producers) {
      producer.flush();
      if (producer.available > 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Takes what was there when it began, in turns, so that no producer waits for all of another's. `hasPosted` says that somebody may
   * have introduced itself. A task may have the loop make a pass, which drains too and leaves nothing for this one, or close
   * the manager. Returns whether there was something.
   */
  drain(hasPosted: boolean): boolean {
    if (hasPosted) {
      this.fetch();
    }
    for (const producer of this.#producers) {
      // In this order: once it is gone, nothing more comes.
      const { isGone } = producer;
      producer.beginPass();
      if (isGone && producer.quota === 0) {
        this.incomplete += producer.isIncomplete ? 1 : 0;
        this.#receivedFromGone += producer.received;
        producer.release();
        this.#producers.delete(producer);
      } else {
        producer.flush();
      }
    }
    let hasTaken = false;
    let isDone: boolean;
    do {
      isDone = true;
      for (const producer of this.#producers) {
        const count = Math.min(producer.quota, QUANTUM);
        if (count > 0) {
          isDone = false;
          hasTaken = true;
          producer.quota -= count;
          this.#taken += count;
          producer.readQuantum(count);
        }
      }
    } while (!isDone);
    return hasTaken;
  }

  close(): void {
    // Who has just introduced itself is told, too.
    this.fetch();
    this.#post.close();
    this.#receivedFromGone = this.received;
    this.#producers.forEach((producer) => {
      producer.close();
      this.dropped += producer.countTasks();
    });
    this.#producers.clear();
  }

  #onMessage(message: ChannelMessage): void {
    if ('introduction' in message) {
      const claimPayload = (from: string, claim: number): unknown => this.#claimPayload(from, claim);
      this.#add(new Producer(message.introduction, this.#handler, claimPayload));
      this.#onIntroduction();
    } else {
      this.#payloads.set(`${message.from} ${message.claim}`, message.payload);
    }
  }

  #add(added: Producer): void {
    this.connections += 1;
    added.setPolling(this.#isPolling);
    const after = [...this.#producers].filter((producer) => added.comesBefore(producer));
    this.#producers.add(added);
    for (const producer of after) {
      this.#producers.delete(producer);
      this.#producers.add(producer);
    }
  }

  #claimPayload(from: string, claim: number): unknown {
    const key = `${from} ${claim}`;
    // It was sent before its ticket.
    while (!this.#payloads.has(key) && this.#post.fetch()) {
      // Each message puts itself away.
    }
    const payload = this.#payloads.get(key);
    this.#payloads.delete(key);
    return payload;
  }
}
