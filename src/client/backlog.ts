/** What one producer has sent while its queue had no room, and its thread went on. */

import type { Message } from './message';

/** What keeps the process alive. */
interface Holder {
  hold(): void;
  release(): void;
}

/** What the backlog needs of the queue. */
interface Positions {
  /** The position behind the last record. */
  readonly position: number;
  /** Returns whether the manager has read all records before a position. */
  isReadTo(position: number): boolean;
}

/** A caller of `drained()`. */
interface Reader {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Messages in their order, and between them those who wait until all that was sent before is read. */
export class Backlog {
  readonly #holder: Holder;
  #entries: (Message | Reader)[] = [];
  /** How many of the entries are through. */
  #through = 0;
  readonly #byId = new Map<number, Message>();
  /** Those whose messages are sent, in the order of the positions that they wait for. */
  readonly #readers: (Reader & { readonly position: number })[] = [];
  #isHolding = false;

  constructor(holder: Holder) {
    this.#holder = holder;
  }

  /** Whether no message waits for room. */
  get isEmpty(): boolean {
    return this.#through === this.#entries.length;
  }

  /** Whether anything waits, for room or to be read. */
  get isWaiting(): boolean {
    return !this.isEmpty || this.#readers.length > 0;
  }

  /** Returns how many tasks are kept. */
  countTasks(): number {
    let tasks = 0;
    for (const entry of this.#entries.slice(this.#through)) {
      tasks += 'send' in entry && entry.isTask && !entry.isWithdrawn ? 1 : 0;
    }
    return tasks;
  }

  /** Adds a message. */
  add(message: Message): void {
    this.#entries.push(message);
    this.#byId.set(message.id, message);
    this.#updateHold();
  }

  /** Resolves when the manager has read everything that was sent or added before. */
  whenRead(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#entries.push({ resolve, reject });
      this.#updateHold();
    });
  }

  /** Removes the message of a call. Returns whether the manager has nothing of it. */
  withdraw(id: number): boolean {
    const message = this.#byId.get(id);
    if (message === undefined) {
      return false;
    }
    message.isWithdrawn = true;
    this.#byId.delete(id);
    return !message.isBegun;
  }

  /** Sends messages until `trySend` returns false. Resolves those whose positions are read. */
  send(trySend: (message: Message) => boolean, positions: Positions): void {
    const entries = this.#entries;
    while (this.#through < entries.length) {
      const entry = entries[this.#through] as Message | Reader;
      if (!('send' in entry)) {
        this.#readers.push({ ...entry, position: positions.position });
      } else if (!entry.isWithdrawn) {
        try {
          if (!trySend(entry)) {
            break;
          }
        } catch (error) {
          entry.fail(error);
        }
        this.#byId.delete(entry.id);
      }
      this.#through += 1;
    }
    if (this.#through * 2 >= entries.length) {
      entries.splice(0, this.#through);
      this.#through = 0;
    }
    while (this.#readers[0] !== undefined && positions.isReadTo(this.#readers[0].position)) {
      this.#readers.shift()?.resolve();
    }
    this.#updateHold();
  }

  /** Drops all messages, and rejects those who wait for the manager. */
  close(error: unknown): void {
    const readers = [...this.#readers, ...this.#entries.slice(this.#through)];
    this.#entries = [];
    this.#through = 0;
    this.#readers.length = 0;
    this.#byId.clear();
    this.#updateHold();
    for (const reader of readers) {
      if ('reject' in reader) {
        reader.reject(error);
      }
    }
  }

  #updateHold(): void {
    if (this.isWaiting !== this.#isHolding) {
      this.#isHolding = !this.#isHolding;
      if (this.#isHolding) {
        this.#holder.hold();
      } else {
        this.#holder.release();
      }
    }
  }
}
