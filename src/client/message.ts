/** What is sent as a whole: a record with its pieces and options. It may wait for room. */

import { isTask, splitRecord } from '../protocol';
import type { RingRecord } from '../transport';

/** What a message needs of the queue. */
interface Slots {
  /** Returns whether another record has a slot. */
  hasSlot(): boolean;
}

/** The records of one task, name or operation. */
export class Message {
  /** Whether the rest is not sent any more. */
  isWithdrawn: boolean = false;
  /** Why a part could not be sent, when the reason was not a lack of room. */
  error: unknown;
  readonly #records: RingRecord[];
  #sent = 0;
  #claimPayload: (() => number | undefined) | undefined;
  readonly #onError: ((error: unknown) => void) | undefined;

  /**
   * `claimPayload` posts the payload of the last record to the side channel, and returns the claim, or `undefined` when
   * it has to wait. It is called just before that record is sent, so that no payload without a record stays with the
   * manager.
   */
  constructor(
    record: RingRecord,
    largest: number,
    claimPayload?: () => number | undefined,
    onError?: (error: unknown) => void,
  ) {
    this.#records = splitRecord(record, largest);
    this.#claimPayload = claimPayload;
    this.#onError = onError;
  }

  /** The id of the task or call. */
  get id(): number {
    return this.#last.id;
  }

  /** Whether it is a task. */
  get isTask(): boolean {
    return isTask(this.#last.kind);
  }

  /** Whether the manager has a part of it. */
  get isBegun(): boolean {
    return this.#sent > 0;
  }

  get #last(): RingRecord {
    return this.#records.at(-1) as RingRecord;
  }

  /** Puts the records of another message before the first one. Neither is begun. */
  prepend(other: Message): void {
    this.#records.unshift(...other.#records);
  }

  /** Copies the bytes that were not sent, because the caller may write to them. */
  copyBytes(): void {
    for (const record of this.#records.slice(this.#sent)) {
      record.data = record.data === undefined ? undefined : new Uint8Array(record.data);
    }
  }

  /** Sends as many records as `push` has room for. Returns whether all of them are sent. */
  send(slots: Slots, push: (record: RingRecord) => boolean): boolean {
    const records = this.#records;
    while (this.#sent < records.length) {
      const record = records[this.#sent] as RingRecord;
      if (this.#claimPayload !== undefined && this.#sent === records.length - 1) {
        if (!slots.hasSlot()) {
          return false;
        }
        const claim = this.#claimPayload();
        if (claim === undefined) {
          return false;
        }
        record.value = claim;
        this.#claimPayload = undefined;
      }
      if (!push(record)) {
        return false;
      }
      this.#sent += 1;
    }
    return true;
  }

  /** Ends the message with an error. */
  fail(error: unknown): void {
    this.error = error;
    this.#onError?.(error);
  }
}
