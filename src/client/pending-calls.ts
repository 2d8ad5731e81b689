/** The producer's side of the replies: who waits for which. */

import type { Connection } from './connection';
import { monotonicNow } from '../platform/clock';
import { putTogether, type TransferredError } from '../transport/serialize-error';
import { Mail } from '../transport/record-reader';
import type { Outbox } from './send-queue';
import type { Patience } from './timeout';
import { Post } from '../transport/side-channel';
import { fast } from '../platform/binding';
import * as reactor from '../platform/reactor';
import type { RingMemory } from '../transport/ring';
import { CONTROL_ABANDON, RECORD_CONTROL, RECORD_MASK, RECORD_PIECE, REPLY_ERROR } from '../protocol/records';

/** How many times a caller that blocks looks for its reply before it sleeps: 20 µs where another core answers. */
const LOOKS = 32;

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
export class Calls {
  readonly #connection: Connection;
  readonly #outbox: () => Outbox;
  readonly #mail: Mail;
  readonly #channel: string;
  readonly #calls = new Map<number, Call>();
  /** Calls that nobody waits for any more, of which the manager was not told yet. */
  readonly #abandoned: number[] = [];
  #post: Post | undefined;
  readonly #payloads = new Map<number, unknown>();
  #isPumping = false;

  constructor(connection: Connection, memory: RingMemory, channel: string, outbox: () => Outbox) {
    this.#connection = connection;
    this.#outbox = outbox;
    this.#channel = channel;
    this.#mail = new Mail(memory, (ticket) => this.#redeem(ticket));
  }

  /** Opens the channel for results that only a channel carries, before the first one may come. */
  listen(): void {
    this.#post ??= new Post(this.#channel, (message) => {
      if ('ticket' in message) {
        this.#payloads.set(message.ticket, message.payload);
      }
    });
  }

  /** Whether the manager may still send a reply to `id`. */
  isPending(id: number): boolean {
    return this.#calls.has(id) || this.#abandoned.includes(id);
  }

  /** Blocks for the reply to `id`. */
  waitFor(id: number, patience: Patience): unknown {
    const call = new BlockingCall();
    const { bell, pace } = this.#connection;
    this.#calls.set(id, call);
    try {
      this.#lookFor(call);
      for (;;) {
        this.take();
        if (call.isOver) {
          break;
        }
        const remaining = patience.deadline === Infinity ? Infinity : patience.deadline - monotonicNow();
        if (remaining <= 0) {
          this.#abandon(id);
          throw patience.giveUp();
        }
        pace.rest();
        bell.wait(remaining);
        bell.clear();
      }
    } catch (error) {
      throw this.#connection.closedBy(error);
    } finally {
      this.#calls.delete(id);
      pace.unblock();
    }
    if (call.isFailed) {
      throw call.outcome;
    }
    return call.outcome;
  }

  /**
   * Looks for a reply a few times before it is worth a sleep, and has the threads of this core run in between: the manager need not
   * ring then. After this, {@link Calls.take} has to look once more.
   */
  #lookFor(call: BlockingCall): void {
    const { record } = this.#mail;
    record.setLooking(true);
    try {
      for (let looks = LOOKS; looks > 0 && !call.isOver; looks -= 1) {
        fast.yieldThread();
        this.take();
      }
    } finally {
      record.setLooking(false);
    }
  }

  /** Resolves with the reply to `id`. */
  promise(id: number, patience: Patience, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        end();
        reject(reason);
        this.#abandon(id);
      };
      const deadline = {
        at: patience.deadline,
        heapIndex: -1,
        onDeadline: () => giveUp(patience.giveUp()),
      };
      const onAbort = (): void => giveUp(signal?.reason);
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
      if (patience.deadline !== Infinity) {
        reactor.addDeadline(deadline);
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      void this.#pump();
    });
  }

  /** Takes the replies that are there. */
  take(): void {
    const mail = this.#mail;
    const { available } = mail;
    for (let count = available; count > 0; count -= 1) {
      this.#takeReply();
    }
    if (available > 0 && mail.publish()) {
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

  #takeReply(): void {
    const mail = this.#mail;
    const { kind, id } = mail.record;
    if ((kind & RECORD_MASK) === RECORD_PIECE) {
      mail.takePiece();
      return;
    }
    let isFailed = (kind & RECORD_MASK) === REPLY_ERROR;
    let outcome: unknown;
    try {
      // Also when nobody has it because it comes too late: what comes after it may build on it.
      const payload = mail.takePayload();
      outcome = isFailed ? putTogether(payload as TransferredError) : payload;
    } catch (error) {
      // This thread may have less stack, or less memory, than the one that wrote the result.
      isFailed = true;
      outcome = error;
    }
    const call = this.#calls.get(id);
    this.#connection.pace.take();
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
    const { bell, pace } = this.#connection;
    try {
      // In virtual time also the answer that nobody waits for any more is to be taken.
      while (this.#calls.size > 0 || this.#abandoned.length > 0 || pace.isVirtual) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is what a pump does
        await bell.waitAsync(Infinity, { ref: false });
        bell.clear();
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
    if (this.#connection.pace.isVirtual) {
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
      if (!this.#outbox().trySendControl(RECORD_CONTROL, 0, CONTROL_ABANDON, this.#abandoned[0] as number)) {
        void this.#pump();
        return;
      }
      this.#abandoned.shift();
    }
  }

  #redeem(ticket: number): unknown {
    while (!this.#payloads.has(ticket) && this.#post?.fetch() === true) {
      // Each message puts itself away.
    }
    const payload = this.#payloads.get(ticket);
    this.#payloads.delete(ticket);
    return payload;
  }
}
