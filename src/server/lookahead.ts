/**
 * What a manager knows of records that it has not taken yet: which tasks in the queue are to be held up, cancelled or replaced by others
 * behind them. They have not begun, so they must not.
 *
 * Records are taken in their order, and a task that is due at once runs when it is taken. So the producer marks in the queue that it has
 * sent something about another task, and the manager looks ahead then, once for all that a pass takes. A task of which something follows
 * is not run but installed; what follows finds it there, in the same pass. Without a mark all this costs one look at a word for each pass.
 */

import type { RingReader } from '../transport/ring-layout';
import { CONTROL_RESUME, RECORD_CONTROL, RECORD_MASK, RECORD_OPTIONS } from '../protocol/handle';

/** What is ahead in one queue. */
export class Lookahead {
  readonly #ring: RingReader;
  /** How many marked records were taken. */
  #taken = 0;
  /** Tasks with which something is to be done. */
  readonly #ids = new Set<number>();
  /** How many tasks have a key, by its mark. */
  readonly #keys = new Map<number, number>();

  constructor(ring: RingReader) {
    this.#ring = ring;
  }

  /** Whether there may be something. */
  get isNeeded(): boolean {
    return this.#ids.size > 0 || this.#keys.size > 0;
  }

  /** Looks at the `count` records that are going to be taken: all that are there. */
  look(count: number): void {
    // A mark is there before its record, so there may be one too many here, and never one too few.
    const hasMarks = this.#ring.marks !== this.#taken;
    if (!hasMarks && !this.isNeeded) {
      return;
    }
    this.#ids.clear();
    this.#keys.clear();
    if (hasMarks) {
      this.#ring.lookAhead(count, (kind, name, id, value) => {
        if ((kind & RECORD_MASK) === RECORD_CONTROL && value !== CONTROL_RESUME) {
          this.#ids.add(id);
        } else if ((kind & RECORD_MASK) === RECORD_OPTIONS && name !== 0) {
          this.#keys.set(name, (this.#keys.get(name) ?? 0) + 1);
        }
      });
    }
  }

  /** A marked record was taken. */
  onMarked(): void {
    this.#taken = (this.#taken + 1) | 0;
  }

  /** Whether something is to be done with a task that is taken now. */
  concernsId(id: number): boolean {
    return this.#ids.has(id);
  }

  /** Whether a later task may have the key of the one that is taken now. */
  concernsKey(key: number): boolean {
    const left = (this.#keys.get(key) ?? 0) - 1;
    if (left <= 0) {
      this.#keys.delete(key);
    } else {
      this.#keys.set(key, left);
    }
    return left > 0;
  }
}

/** Whether a record is one for which the manager has to look ahead: something about another task, or the options of one with a key. */
export function needsLookahead(kind: number, name: number): boolean {
  const type = kind & RECORD_MASK;
  return type === RECORD_CONTROL || (type === RECORD_OPTIONS && name !== 0);
}

/** A number for a key, never zero. Those of different keys may be the same: then a task runs later than it might. */
export function keyHashOf(key: string): number {
  let hash = key.length;
  for (let index = 0; index < key.length; index += 1) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0;
  }
  return hash === 0 ? 1 : hash;
}
