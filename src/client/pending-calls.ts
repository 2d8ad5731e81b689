/** The calls of one producer that are pending: reads the replies, and gives each to the caller that waits for it. */

import { RECORD_MASK, RECORD_PIECE, REPLY_ERROR } from '../protocol';
import {
  RecordReader,
  type RingMemory,
  type SerializedError,
  SideChannel,
  appendCallerStack,
  deserializeError,
} from '../transport';
import { canReadChannels, fast, monotonicNow, reactor } from '../platform';
import { WouldDeadlockError } from '../util';
import type { Connection } from './connection';
import type { Message } from './message';
import type { Timeout } from './timeout';

/** How often a caller that blocks polls for its reply before it sleeps: 20 µs where another core answers. */
const SPIN_LIMIT = 32;

/** A caller that waits for a reply. */
interface Call {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** A caller that blocks for a reply. */
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

/** What pending calls need of the queue to the manager. */
interface Sender {
  /** Whether anything waits for the manager to read. */
  readonly isWaiting: boolean;
  /** How many tasks the manager has not read. */
  readonly pending: number;
  /** Sends what waits for room, as far as there is some. */
  flush(): void;
  /** Does not send the rest of a call. Returns whether the manager has a part of it, or all. */
  withdraw(id: number): boolean;
  /** Returns what tells the manager that a call was abandoned, and why. */
  abandonMessage(id: number, reason: unknown): Message;
  /** Sends it. Returns false when there is no room for that. */
  trySendAbandon(message: Message): boolean;
  /** Rejects those who wait for the manager. */
  close(error: unknown): void;
}

/** The calls of one producer that are pending. */
export class PendingCalls {
  readonly #connection: Connection;
  readonly #sender: () => Sender;
  readonly #reader: RecordReader;
  readonly #channelName: string;
  readonly #calls = new Map<number, Call>();
  /** Calls that were abandoned, of which the manager was not told yet. */
  readonly #abandoned: Message[] = [];
  /** Brings results that only a channel carries, and nothing else. */
  #channel: SideChannel<never> | undefined;
  /** The ids of replies that no call waits for, while a task is sent whose id is not known yet. */
  #early: Set<number> | undefined;
  #isPumping = false;
  #isBlocking = false;

  /** `sender` returns the queue to the manager, which is made later. */
  constructor(connection: Connection, memory: RingMemory, channelName: string, sender: () => Sender) {
    this.#connection = connection;
    this.#sender = sender;
    this.#channelName = channelName;
    this.#reader = new RecordReader(
      memory,
      (claim) => this.#channel?.claimPayload(claim),
      // A result that cannot be read while this thread blocks is an error of its call.
      (claim) => this.#isBlocking || this.#channel?.hasArrived(claim) !== false,
    );
  }

  /** The memory of the replies as it is now. */
  get memory(): RingMemory {
    return this.#reader.record.memory;
  }

  /** Opens the channel for results that only a channel carries. Called before the first result may arrive. */
  listen(): void {
    this.#channel ??= new SideChannel(
      this.#channelName,
      () => {},
      () => this.#onPayload(),
    );
  }

  /** Returns whether the manager may still send a reply to `id`. */
  isPending(id: number): boolean {
    return this.#calls.has(id) || this.#abandoned.some((message) => message.id === id);
  }

  /** Blocks for the reply to `id`, and returns or throws what it holds. */
  wait(id: number, timeout: Timeout): unknown {
    const call = new BlockingCall();
    const { activity } = this.#connection;
    const hasReplies = (): boolean => this.#reader.available > 0;
    this.#calls.set(id, call);
    this.#isBlocking = true;
    try {
      this.#spin(call);
      for (;;) {
        this.readReplies();
        if (call.isOver) {
          break;
        }
        const remaining = timeout.deadline === Infinity ? Infinity : timeout.deadline - monotonicNow();
        if (remaining <= 0) {
          const error = timeout.toError(this.#sender().pending > 0);
          this.abandon(id, error);
          throw error;
        }
        activity.blockForResult();
        this.#connection.sleep(false, remaining, hasReplies);
      }
    } catch (error) {
      if (error instanceof WouldDeadlockError) {
        this.abandon(id, error);
      } else {
        this.#readLast();
      }
      if (!call.isOver) {
        throw this.#connection.toError(error);
      }
    } finally {
      this.#isBlocking = false;
      this.#calls.delete(id);
      this.#connection.endSleep();
      activity.unblock();
    }
    if (call.isFailed) {
      appendCallerStack(call.outcome);
      throw call.outcome;
    }
    return call.outcome;
  }

  /** Returns a promise for the reply to the call `id`. */
  async waitForCall(id: number, timeout: Timeout, signal: AbortSignal | undefined): Promise<unknown> {
    try {
      return await this.waitAsync(id, timeout, signal);
    } catch (error) {
      // Here V8 knows which function awaits this one, at no cost for calls that succeed.
      appendCallerStack(error);
      throw error;
    }
  }

  /** Returns a promise for the reply to `id`. */
  waitAsync(id: number, timeout: Timeout, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const abandon = (reason: unknown): void => {
        end();
        reject(reason);
        this.abandon(id, reason);
      };
      const deadline = {
        at: timeout.deadline,
        heapIndex: -1,
        onDeadline: () => abandon(timeout.toError(this.#sender().pending > 0)),
        onFailure: abandon,
      };
      const onAbort = (): void => abandon(signal?.reason);
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
      this.pump();
    });
  }

  /**
   * Sends a task, and calls `end` when the manager says that it is over, or says nothing any more. Returns what `send`
   * returns, the id of the task.
   */
  sendTracked(send: () => number, end: () => void): number {
    // A `send` that blocks for room reads replies meanwhile.
    const early = new Set<number>();
    this.#early = early;
    try {
      const id = send();
      const over = (): void => {
        this.#calls.delete(id);
        end();
      };
      if (early.has(id)) {
        end();
      } else {
        this.#calls.set(id, { resolve: over, reject: over });
        this.pump();
      }
      return id;
    } finally {
      this.#early = undefined;
    }
  }

  /** Rejects one call. */
  reject(id: number, error: unknown): void {
    this.#calls.get(id)?.reject(error);
  }

  /** Reads the replies that are there. */
  readReplies(): void {
    const reader = this.#reader;
    const { available } = reader;
    for (let count = available; count > 0;) {
      const readable = reader.readable(count);
      count -= readable;
      for (let index = 0; index < readable; index += 1) {
        this.#readReply();
      }
    }
    if ((available > 0 || reader.owesRoom) && reader.publish()) {
      // The manager waits for this room.
      this.#connection.control.wakeOwner(Number.NEGATIVE_INFINITY);
    }
    this.#tellAbandoned();
    if (this.#sender().isWaiting) {
      this.#sender().flush();
    }
  }

  /** Reads replies in Node's event loop for as long as something is pending. */
  pump(): void {
    if (!this.#isPumping) {
      void this.#pump();
    }
  }

  /** Abandons a call, and tells the manager why: now, or when there is room. Never blocks and never throws. */
  abandon(id: number, reason: unknown): void {
    this.#calls.delete(id);
    if (!this.#sender().withdraw(id)) {
      return;
    }
    this.#abandoned.push(this.#sender().abandonMessage(id, reason));
    if (this.#connection.activity.isVirtual) {
      this.pump();
    }
    try {
      this.#tellAbandoned();
    } catch {
      // A manager that is gone need not know.
    }
  }

  /** Rejects all calls, and closes the channel. */
  close(error: unknown): void {
    this.#channel?.close();
    this.#rejectAll(error);
  }

  /**
   * Polls for a reply before it is worth a sleep, and lets other threads of this core run in between. The manager need
   * not set the doorbell meanwhile. The caller reads the replies once more afterwards.
   */
  #spin(call: BlockingCall): void {
    const { record } = this.#reader;
    record.setPolling(true);
    try {
      for (let polls = SPIN_LIMIT; polls > 0 && !call.isOver; polls -= 1) {
        fast.yieldThread();
        this.readReplies();
      }
    } finally {
      record.setPolling(false);
    }
  }

  /** Reads on, where a reply may have waited for its payload. */
  #onPayload(): void {
    if (!canReadChannels && !this.#isBlocking && !this.#connection.isOver) {
      this.#connection.doorbell.set();
    }
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
      // A reply that comes too late is read as well, because later ones may have the shapes that it defines.
      const payload = reader.readPayload();
      outcome = isFailed ? deserializeError(payload as SerializedError) : payload;
    } catch (error) {
      // This thread may have less stack, or less memory, than the one that wrote the result.
      isFailed = true;
      outcome = error;
    }
    const call = this.#calls.get(id);
    this.#early?.add(id);
    this.#connection.activity.onResult();
    if (isFailed) {
      call?.reject(outcome);
    } else {
      call?.resolve(outcome);
    }
  }

  /** Reads what a manager has sent before it closed the connection. */
  #readLast(): void {
    try {
      this.readReplies();
    } catch {
      // What cannot be read is rejected with the rest.
    }
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    const { doorbell, activity } = this.#connection;
    try {
      // In virtual time replies to abandoned calls are read, too: time stands still until they are.
      while (this.#calls.size > 0 || this.#abandoned.length > 0 || this.#sender().isWaiting || activity.isVirtual) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other is what a pump does
        await doorbell.waitAsync(Infinity, { ref: false });
        doorbell.clear();
        this.readReplies();
      }
    } catch (error) {
      this.#readLast();
      this.#rejectAll(this.#connection.toError(error));
    } finally {
      this.#isPumping = false;
    }
  }

  #tellAbandoned(): void {
    while (this.#abandoned.length > 0 && !this.#connection.isClosed) {
      if (!this.#sender().trySendAbandon(this.#abandoned[0] as Message)) {
        this.pump();
        return;
      }
      this.#abandoned.shift();
    }
  }

  #rejectAll(error: unknown): void {
    this.#sender().close(error);
    Array.from(this.#calls.values()).forEach((call) => call.reject(error));
  }
}
