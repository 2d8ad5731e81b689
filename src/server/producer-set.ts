/** The producers of one manager: reads their records, in turns. */

import type { Introduction, OwnerControlBlock, Seat } from '../protocol';
import type { SideChannel } from '../transport';
import { canReadChannels, debug, isDebugging } from '../platform';
import { Introductions } from './introductions';
import { publishConnect, publishDisconnect } from './connection-channels';
import { Producer, type RecordHandlers } from './producer';
import { rehearse } from './rehearsal';

/** How many records of one producer are read before the next one's turn. */
const QUANTUM = 64;

/** From this many records between two sleeps on, producers are sending, and more will follow immediately. */
const MANY = 64;

/** All producers of one manager. */
export class ProducerSet {
  readonly #manager: object;
  readonly #handlers: RecordHandlers;
  readonly #introductions: Introductions;
  /** In their own order, so that virtual time is the same each time. */
  readonly #producers = new Set<Producer>();
  /** Those that had taken no channel when they introduced themselves. */
  readonly #withoutChannel = new Set<Producer>();
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

  /** `manager` is what the diagnostics channels name. */
  constructor(
    manager: object,
    channel: string,
    seats: readonly Seat[],
    capacity: number,
    control: OwnerControlBlock,
    handlers: RecordHandlers,
    onIntroduction: () => void,
  ) {
    this.#manager = manager;
    this.#handlers = handlers;
    this.#onIntroduction = onIntroduction;
    this.#introductions = new Introductions(
      channel,
      seats,
      capacity,
      control,
      (introduction, from) => this.#onMessage(introduction, from),
      // A record that waited for its payload can be read now.
      canReadChannels ? () => {} : onIntroduction,
    );
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

  /** Returns functions that tell the producers of a thread that their sleep is a deadlock, for those that sleep. */
  findBlocked(threadId: number): (() => void)[] {
    return [...this.#producers]
      .filter((producer) => producer.threadId === threadId && producer.isBlocked())
      .map((producer) => () => producer.tellBlocked());
  }

  /** Adds the producers that have introduced themselves, and reads what else they have posted. */
  fetch(): void {
    if (this.#introductions.fetch()) {
      // These may wait for a channel.
      this.#withoutChannel.forEach((producer) => producer.notify());
    }
  }

  /** Returns how many tasks are in the queues. `exceptOf` is a thread whose tasks do not count. */
  countTasks(exceptOf?: number): number {
    let tasks = 0;
    for (const producer of this.#producers) {
      tasks += producer.threadId === exceptOf ? 0 : producer.countTasks();
    }
    return tasks;
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
      if (producer.isBroken) {
        // It is told by its doorbell.
        producer.close();
        this.#remove(producer);
      } else if (isGone && producer.quota === 0 && !producer.isStalled) {
        this.incomplete += producer.isIncomplete ? 1 : 0;
        producer.release();
        this.#remove(producer);
      } else {
        producer.flush();
      }
    }
    let hasRead = false;
    let isDone: boolean;
    do {
      isDone = true;
      for (const producer of this.#producers) {
        if (producer.quota > 0) {
          const count = producer.readable(Math.min(producer.quota, QUANTUM));
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
    this.#receivedFromGone = this.received;
    this.#producers.forEach((producer) => {
      producer.close();
      this.dropped += producer.countTasks();
      publishDisconnect(this.#manager, producer.threadId);
    });
    this.#producers.clear();
    // Tasks may be in memory that comes through these channels.
    this.#introductions.close();
  }

  #remove(producer: Producer): void {
    if (isDebugging) {
      debug(`thread ${producer.threadId} has disconnected`);
    }
    this.#receivedFromGone += producer.received;
    this.#producers.delete(producer);
    this.#introductions.release(producer);
    this.#withoutChannel.delete(producer);
    publishDisconnect(this.#manager, producer.threadId);
  }

  /** Makes a producer. Its payloads come through the channel that it has taken, or will take. */
  #onMessage(introduction: Introduction, taken: SideChannel<object> | undefined): Producer {
    const introductions = this.#introductions;
    const producer: Producer = new Producer(
      introduction,
      this.#handlers.create,
      (claim) => (taken === undefined ? introductions.claimPayload(producer, claim) : taken.claimPayload(claim)),
      (claim) => (taken ?? introductions.channelOf(producer))?.hasArrived(claim) === true,
    );
    if (taken === undefined) {
      this.#withoutChannel.add(producer);
    }
    this.#add(producer);
    rehearse(this.#handlers);
    this.#onIntroduction();
    return producer;
  }

  #add(added: Producer): void {
    if (isDebugging) {
      debug(`thread ${added.threadId} has connected`);
    }
    this.connections += 1;
    added.setPolling(this.#isPolling);
    const after = [...this.#producers].filter((producer) => added.comesBefore(producer));
    this.#producers.add(added);
    for (const producer of after) {
      this.#producers.delete(producer);
      this.#producers.add(producer);
    }
    publishConnect(this.#manager, added.threadId);
  }
}
