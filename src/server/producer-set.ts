/** The producers of one manager: reads their records, in turns. */

import type { OwnerControlBlock, ProducerMessage } from '../protocol';
import { SideChannel } from '../transport';
import { PayloadChannels } from './payload-channels';
import { type CreateRecordHandler, Producer } from './producer';

/** How many records of one producer are read before the next one's turn. */
const QUANTUM = 64;

/** From this many records between two sleeps on, producers are sending, and more will follow immediately. */
const MANY = 64;

/** All producers of one manager. */
export class ProducerSet {
  readonly #createHandler: CreateRecordHandler;
  readonly #channel: SideChannel<ProducerMessage>;
  readonly #payloads: PayloadChannels;
  /** In their own order, so that virtual time is the same each time. */
  readonly #producers = new Set<Producer>();
  readonly #onIntroduction: () => void;
  /** Tasks of which a part had arrived when their thread ended. */
  incomplete = 0;
  /** Tasks that were in the queues at the end. */
  dropped = 0;
  /** How many producers there have been. */
  connections = 0;
  #receivedFromGone = 0;
  #recordsRead = 0;
  #isPolling = false;

  constructor(
    channel: string,
    control: OwnerControlBlock,
    createHandler: CreateRecordHandler,
    onIntroduction: () => void,
  ) {
    this.#payloads = new PayloadChannels(channel, control);
    this.#createHandler = createHandler;
    this.#onIntroduction = onIntroduction;
    this.#channel = new SideChannel(channel, (message) => this.#onMessage(message));
  }

  /** How many tasks came from other threads. */
  get received(): number {
    let sum = this.#receivedFromGone;
    this.#producers.forEach((producer) => (sum += producer.received));
    return sum;
  }

  /** Returns whether many records were read since the last call of this. */
  hasReadMany(): boolean {
    const isMany = this.#recordsRead >= MANY;
    this.#recordsRead = 0;
    return isMany;
  }

  /**
   * Returns whether a producer that polls for its reply got one since the last call of this: it may send again
   * immediately.
   */
  consumeAnswered(): boolean {
    let hasAnswered = false;
    for (const producer of this.#producers) {
      hasAnswered = producer.consumeAnswered() || hasAnswered;
    }
    return hasAnswered;
  }

  /** Returns the threads that are busy: see `virtual-time/thread-activity.ts`. */
  busyThreads(): number[] {
    return [...this.#producers].filter((producer) => !producer.isQuiescent).map(({ threadId }) => threadId);
  }

  /** Adds the producers that have introduced themselves, and reads what else they have posted. */
  fetch(): void {
    while (this.#channel.fetch()) {
      // Each message is delivered to `#onMessage()`.
    }
    this.#payloads.fetch();
    if (this.#payloads.refill()) {
      this.#producers.forEach((producer) => producer.notify());
    }
  }

  /** Sends the replies that wait for room. */
  flush(): void {
    this.#producers.forEach((producer) => producer.flush());
  }

  /** Says in all queues whether the manager polls them. A caller that stops polling looks into them once more. */
  setPolling(isPolling: boolean): void {
    if (isPolling !== this.#isPolling) {
      this.#isPolling = isPolling;
      for (const producer of this.#producers) {
        producer.setPolling(isPolling);
      }
    }
  }

  /** Returns whether there are no records to read. */
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
   * Reads the records that are there when it begins, in turns, so that no producer waits for all of another's.
   * `hasPosted` says that a producer may have introduced itself. Returns whether there were any records.
   *
   * A task may close the manager, or make its loop run a pass, which reads all the rest.
   */
  drain(hasPosted: boolean): boolean {
    if (hasPosted) {
      this.fetch();
    }
    for (const producer of this.#producers) {
      // In this order: a producer that is gone adds nothing after this.
      const { isGone } = producer;
      producer.beginPass();
      if (isGone && producer.quota === 0) {
        this.incomplete += producer.isIncomplete ? 1 : 0;
        this.#receivedFromGone += producer.received;
        producer.release();
        this.#payloads.release(producer.channel);
        this.#producers.delete(producer);
      } else {
        producer.flush();
      }
    }
    let hasRead = false;
    let isDone: boolean;
    do {
      isDone = true;
      for (const producer of this.#producers) {
        const count = Math.min(producer.quota, QUANTUM);
        if (count > 0) {
          isDone = false;
          hasRead = true;
          producer.quota -= count;
          this.#recordsRead += count;
          producer.readQuantum(count);
        }
      }
    } while (!isDone);
    return hasRead;
  }

  close(): void {
    // A producer that has just introduced itself is told, too.
    this.fetch();
    this.#channel.close();
    this.#payloads.close();
    this.#receivedFromGone = this.received;
    this.#producers.forEach((producer) => {
      producer.close();
      this.dropped += producer.countTasks();
    });
    this.#producers.clear();
  }

  #onMessage({ introduction }: ProducerMessage): void {
    const claimPayload = (claim: number): unknown => this.#payloads.claimPayload(claim);
    this.#add(new Producer(introduction, this.#createHandler, claimPayload));
    this.#onIntroduction();
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
}
