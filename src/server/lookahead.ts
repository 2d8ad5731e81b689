/**
 * What a manager knows of records that it has not read yet: which tasks in a queue are suspended, cancelled or replaced
 * by records behind them. Those tasks have not begun, so they must not run. Also whether a task there has a priority.
 *
 * Records are read in their order, and a task that is due immediately runs when it is read. So the producer marks each
 * record that concerns another task (point 5 in `transport/ring-layout.ts`), and the manager looks ahead when there is
 * a mark, once for all records that a pass reads. A task that such a record concerns is installed instead of run; the
 * record finds it there, in the same pass. Without a mark, all this costs one read of a word per pass.
 */

import {
  CONTROL_RESUME,
  RECORD_CONTROL,
  RECORD_MASK,
  RECORD_OPTIONS,
  isTask,
  keyHashOf,
  priorityOf,
} from '../protocol';
import type { RecordHeader, RingReader } from '../transport';

/** What is ahead in one queue. */
export class Lookahead {
  readonly #ring: RingReader;
  /** How many marked records were read. */
  #marksRead = 0;
  /** Tasks that a record ahead concerns. */
  readonly #ids = new Set<number>();
  /** How many tasks ahead have a key, by its hash. */
  readonly #keys = new Map<number, number>();
  /** How many tasks the pass reads, and whether one of them has a priority. Known where there are marks. */
  #tasks = 0;
  #hasPriority = false;

  constructor(ring: RingReader) {
    this.#ring = ring;
  }

  /** Whether a record ahead may concern a task. */
  get isNeeded(): boolean {
    return this.#ids.size > 0 || this.#keys.size > 0 || this.hasPriorities;
  }

  /** Whether the tasks of this pass have to be put in order before they run, because one of them has a priority. */
  get hasPriorities(): boolean {
    return this.#hasPriority && this.#tasks > 1;
  }

  /** Looks ahead at the `count` records that the pass is going to read. */
  scan(count: number): void {
    // There may be one mark too many here, and never one too few.
    const hasMarks = this.#ring.marks !== this.#marksRead;
    if (!hasMarks && !this.isNeeded) {
      return;
    }
    this.#ids.clear();
    this.#keys.clear();
    this.#tasks = 0;
    this.#hasPriority = false;
    if (hasMarks) {
      this.#ring.lookAhead(count, (header) => this.#visit(header));
    }
  }

  /** Learns that a marked record was read. */
  onMarked(): void {
    this.#marksRead = (this.#marksRead + 1) | 0;
  }

  /** Returns whether a record ahead concerns the task that is read now. */
  concernsId(id: number): boolean {
    return this.#ids.has(id);
  }

  /** Returns whether a task ahead may have the key of the one that is read now. */
  concernsKey(keyHash: number): boolean {
    const left = (this.#keys.get(keyHash) ?? 0) - 1;
    if (left <= 0) {
      this.#keys.delete(keyHash);
    } else {
      this.#keys.set(keyHash, left);
    }
    return left > 0;
  }

  #visit(header: Readonly<RecordHeader>): void {
    const type = header.kind & RECORD_MASK;
    if (type === RECORD_CONTROL && header.value !== CONTROL_RESUME) {
      this.#ids.add(header.id);
    } else if (type === RECORD_OPTIONS) {
      const keyHash = keyHashOf(header);
      this.#hasPriority ||= priorityOf(header) !== 0;
      if (keyHash !== 0) {
        this.#keys.set(keyHash, (this.#keys.get(keyHash) ?? 0) + 1);
      }
    } else if (isTask(header.kind)) {
      this.#tasks += 1;
    }
  }
}
