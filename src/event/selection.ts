/** The descriptors of one select() call. */

import { memberFileno } from '../dispatcher';
import { ERROR, HANG_UP, PRIORITY, READABLE, SELECT_LENGTH, WRITABLE, check, native } from '../platform';
import { InvalidArgTypeError, validateDescriptor } from '../util';
import { WaitableEvent, slot } from './waitable-event';

/** A descriptor, or an object that has one: a WaitableEvent, a Dispatcher. */
export type Selectable = number | { fileno(): number };

/** The conditions that make a descriptor readable, as in select(2): a hang-up and an error end a read immediately. */
const READS = READABLE | HANG_UP | ERROR;
/** The conditions that make a descriptor writable. */
const WRITES = WRITABLE | ERROR;

/** Holds each descriptor once, with all conditions that the three lists ask for. */
export class Selection<R extends Selectable, W extends Selectable, X extends Selectable> {
  /** The wanted conditions of each descriptor. */
  readonly wanted: Map<number, number> = new Map();
  /** The conditions of each descriptor that the last wait found. */
  readonly ready: Map<number, number> = new Map();
  /** The readers that are events, by their descriptors. */
  readonly events: Map<number, WaitableEvent> = new Map();
  readonly #readers: [R, number][];
  readonly #writers: [W, number][];
  readonly #exceptional: [X, number][];

  constructor(readers: Iterable<R>, writers: Iterable<W>, exceptional: Iterable<X>) {
    this.#readers = this.#add('readers', readers, READABLE);
    this.#writers = this.#add('writers', writers, WRITABLE);
    this.#exceptional = this.#add('exceptional', exceptional, PRIORITY);
  }

  /** Returns the members of one list with their descriptors, and notes their wanted conditions. */
  #add<T extends Selectable>(name: string, members: Iterable<T>, flag: number): [T, number][] {
    if (typeof members !== 'object' || members === null || !(Symbol.iterator in members)) {
      throw new InvalidArgTypeError(name, 'a list of descriptors or of objects with fileno()', members);
    }
    return Array.from(members, (member): [T, number] => {
      const fd = filenoOf(name, member);
      if (flag === READABLE && member instanceof WaitableEvent) {
        this.events.set(fd, member);
      }
      this.wanted.set(fd, (this.wanted.get(fd) ?? 0) | flag);
      return [member, fd];
    });
  }

  /** Blocks until a descriptor is ready or `timeout` milliseconds have passed. Returns whether one is ready. */
  wait(timeout: number): boolean {
    // Over a buffer of its own: what native code writes into a small array is lost in Bun 1.3 otherwise.
    const members = new Int32Array(new ArrayBuffer(SELECT_LENGTH * this.wanted.size * Int32Array.BYTES_PER_ELEMENT));
    const events = new Uint32Array(Array.from(this.events.values(), (event) => event[slot]));
    let at = 0;
    for (const [fd, flags] of this.wanted) {
      members[at] = fd;
      members[at + 1] = flags;
      at += SELECT_LENGTH;
    }
    const count = check(native.selectDescriptors(members, events, timeout), 'select');
    for (at = 0; at < members.length; at += SELECT_LENGTH) {
      this.ready.set(members[at] as number, members[at + 2] as number);
    }
    return count > 0;
  }

  /** Returns the ready members of each list, in their order. */
  result(): [R[], W[], X[]] {
    const pick = <T>(members: [T, number][], mask: number): T[] =>
      members.filter(([, fd]) => ((this.ready.get(fd) ?? 0) & mask) !== 0).map(([member]) => member);
    return [pick(this.#readers, READS), pick(this.#writers, WRITES), pick(this.#exceptional, PRIORITY)];
  }
}

function filenoOf(name: string, member: Selectable): number {
  if (typeof member === 'number') {
    return validateDescriptor(name, member);
  }
  if (typeof member !== 'object' || member === null || typeof member.fileno !== 'function') {
    throw new InvalidArgTypeError(name, 'a list of descriptors or of objects with fileno()', member);
  }
  return validateDescriptor(name, memberFileno(member));
}

/** Returns the flags of readiness that end a wait for the conditions in `wanted`. */
export function maskOf(wanted: number): number {
  const reads = (wanted & READABLE) === 0 ? 0 : READS;
  const writes = (wanted & WRITABLE) === 0 ? 0 : WRITES;
  return reads | writes | (wanted & PRIORITY);
}
