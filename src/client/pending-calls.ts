/** The producer's side of the replies: who waits for which. */

import type { Connection } from './connection';
import { monotonicNow } from '../platform/clock';
import { deserializeError, type SerializedError } from '../transport/serialize-error';
import { RecordReader } from '../transport/record-reader';
import type { SendQueue } from './send-queue';
import type { Timeout } from './timeout';
import { SideChannel } from '../transport/side-channel';
import { fast } from '../platform/binding';
import * as reactor from '../platform/reactor';
import type { RingMemory } from '../transport/ring-layout';
import { CONTROL_ABANDON, RECORD_CONTROL, RECORD_MASK, RECORD_PIECE, REPLY_ERROR } from '../protocol/handle';

/** How many times a caller that blocks looks for its reply before it sleeps: 20 µs where another core answers. */
const SPIN_LIMIT = 32;

/** Somebody who waits for a reply. */
interface Call {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Somebody who blocks for a reply. */
class BlockingCall implements Call {
  isOver: boolean = false;
  isFailed: boolean = false;
  outcome: unknown;

  resolve(result: unknown): void {
    this.isOver = true;
    this.outcome = result;
  }

  reject(error: unknown): void {
    this.isFailed = true;
    this.resolve(error);
  }
}

/** The calls of one producer that are pending. */
export class PendingCalls {
  readonly #connection: Connection;
  readonly #sendQueue: () => SendQueue;
  readonly #reader: RecordReader;
  readonly #channel: string;
  readonly #calls = new Map<number, Call>();
  /** Calls that nobody waits for any more, of which the manager was not told yet. */
  readonly #abandoned: number[] = [];
  #post: SideChannel | undefined;
  readonly #payloads = new Map<number, unknown>();
  #isPumping = false;

  constructor(connection: Connection, memory: RingMemory, channel: string, sendQueue: () => SendQueue) {
    this.#connection = connection;
    this.#sendQueue = sendQueue;
    this.#channel = channel;
    this.#reader = new RecordReader(memory, (claim) => this.#claimPayload(claim));
  }

  /** Opens the channel for results that only a channel carries, before the first one may come. */
  listen(): void {
    this.#post ??= new SideChannel(this.#channel, (message) => {
      if ('claim' in message) {
        this.#payloads.set(message.claim, message.payload);
      }
    });
  }

  /** Whether the manager may still send a reply to `id`. */
  isPending(id: number): boolean {
    return this.#calls.has(id) || this.#abandoned.includes(id);
  }

  /** Blocks for the reply to `id`. */
  waitFor(id: number, timeout: Timeout): unknown {
    const call = new BlockingCall();
    const { doorbell, activity } = this.#connection;
    this.#calls.set(id, call);
    try {
      this.#spin(call);
      for (;;) {
        this.take();
        if (call.isOver) {
          break;
        }
        const remaining = timeout.deadline === Infinity ? Infinity : timeout.deadline - monotonicNow();
        if (remaining <= 0) {
          this.#abandon(id);
          throw timeout.toError();
        }
        activity.rest();
        doorbell.wait(remaining);
        doorbell.clear();
      }
    } catch (error) {
      throw this.#connection.closedBy(error);
    } finally {
      this.#calls.delete(id);
      activity.unblock();
    }
    if (call.isFailed) {
      throw call.outcome;
    }
    return call.outcome;
  }

  /**
   * Looks for a reply a few times before it is worth a sleep, and has the threads of this core run in between: the manager need not
   * ring then. After this, {@link PendingCalls.take} has to look once more.
   */
  #spin(call: BlockingCall): void {
    const { record } = this.#reader;
    record.setPolling(true);
    try {
      for (let looks = SPIN_LIMIT; looks > 0 && !call.isOver; looks -= 1) {
        fast.yieldThread();
        this.take();
      }
    } finally {
      record.setPolling(false);
    }
  }

  /** Resolves with the reply to `id`. */
  promise(id: number, timeout: Timeout, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const toError = (reason: unknown): void => {
        end();
        reject(reason);
        this.#abandon(id);
      };
      const deadline = {
        at: timeout.deadline,
        heapIndex: -1,
        onDeadline: () => toError(timeout.toError()),
      };
      const onAbort = (): void => toError(signal?.reason);
      const end = (): void => {
        this.#calls.delete(id);
        reactor.removeDeadline(deadline);
        signal?.removeEventListener('abort', onAbort);
        reactor.release();
      };
      this.#calls.set(id, {
        resolve: (result) => {
          end();
          resolve(result);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      reactor.hold();
      if (timeout.deadline !== Infinity) {
        reactor.addDeadline(deadline);
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      void this.#pump();
    });
  }

  /** Takes the replies that are there. */
  take(): void {
    const reader = this.#reader;
    const { available } = reader;
    for (let count = available; count > 0; count -= 1) {
      this.#readReply();
    }
    if (available > 0 && reader.publish()) {
      this.#connection.wake(Number.NEGATIVE_INFINITY);
    }
    this.#tellAbandoned();
  }

  /** Ends all calls, and the listening. */
  close(error: unknown): void {
    this.#post?.close();
    this.rejectAll(error);
  }

  rejectAll(error: unknown): void {
    Array.from(this.#calls.values()).forEach((call) => call.reject(error));
  }

  #readReply(): void {
    const reader = this.#reader;
    const { kind, id } = reader.record;
    if ((kind & RECORD_MASK) === RECORD_PIECE) {
      reader.readPiece();
      return;
    }
    let isFailed = (kind & RECORD_MASK) === REPLY_ERROR;
    let outcome: unknown;
    try {
      // Also when nobody has it because it comes too late: what comes after it may build on it.
      const payload = reader.readPayload();
      outcome = isFailed ? deserializeError(payload as SerializedError) : payload;
    } catch (error) {
      // This thread may have less stack, or less memory, than the one that wrote the result.
      isFailed = true;
      outcome = error;
    }
    const call = this.#calls.get(id);
    this.#connection.activity.take();
    if (isFailed) {
      call?.reject(outcome);
    } else {
      call?.resolve(outcome);
    }
  }

  /** Takes replies in Node's event loop for as long as somebody waits for one. */
  async #pump(): Promise<void> {
    if (this.#isPumping) {
      return;
    }
    this.#isPumping = true;
    const { doorbell, activity } = this.#connection;
    try {
      // In virtual time also the answer that nobody waits for any more is to be taken.
      while (this.#calls.size > 0 || this.#abandoned.length > 0 || activity.isVirtual) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is what a pump does
        await doorbell.waitAsync(Infinity, { ref: false });
        doorbell.clear();
        this.take();
      }
    } catch (error) {
      this.rejectAll(this.#connection.closedBy(error));
    } finally {
      this.#isPumping = false;
    }
  }

  /** Tells the manager that nobody waits for a call any more: now, or when there is room. Never blocks and never throws. */
  #abandon(id: number): void {
    this.#calls.delete(id);
    this.#abandoned.push(id);
    if (this.#connection.activity.isVirtual) {
      void this.#pump();
    }
    try {
      this.#tellAbandoned();
    } catch {
      // A manager that is gone need not know.
    }
  }

  #tellAbandoned(): void {
    while (this.#abandoned.length > 0 && !this.#connection.isClosed) {
      if (!this.#sendQueue().trySendControl(RECORD_CONTROL, 0, CONTROL_ABANDON, this.#abandoned[0] as number)) {
        void this.#pump();
        return;
      }
      this.#abandoned.shift();
    }
  }

  #claimPayload(claim: number): unknown {
    while (!this.#payloads.has(claim) && this.#post?.fetch() === true) {
      // Each message puts itself away.
    }
    const payload = this.#payloads.get(claim);
    this.#payloads.delete(claim);
    return payload;
  }
}
