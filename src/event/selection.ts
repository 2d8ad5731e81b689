/** The descriptors of one select() call. */

import { memberFileno } from '../dispatcher';
import { ERROR, HANG_UP, PRIORITY, READABLE, SELECT_LENGTH, WRITABLE, check, fast, native } from '../platform';
import { InvalidArgTypeError, validateDescriptor } from '../util';
import { WaitableEvent, slot } from './waitable-event';

/** A descriptor, or an object that has one: a WaitableEvent, a Dispatcher. */
export type Selectable = number | { fileno(): number };

/** The conditions that make a descriptor readable, as in select(2): a hang-up and an error end a read immediately. */
const READS = READABLE | HANG_UP | ERROR;
/** The conditions that make a descriptor writable. */
const WRITES = WRITABLE | ERROR;

/** One descriptor of a selection. */
export class SelectedDescriptor {
  readonly fd: number;
  /** The conditions that the lists ask for. */
  wanted: number;
  /** The conditions that the last wait found. */
  ready: number = 0;
  /** The event that it belongs to, for one of the readers. */
  event: WaitableEvent | undefined;

  constructor(fd: number, wanted: number, event: WaitableEvent | undefined) {
    this.fd = fd;
    this.wanted = wanted;
    this.event = event;
  }
}

/** The members of one list, with their descriptors. */
interface SelectionList<T> {
  readonly members: readonly T[];
  readonly descriptors: readonly SelectedDescriptor[];
}

const NO_DESCRIPTORS: SelectedDescriptor[] = [];
const NONE: SelectionList<never> = { members: [], descriptors: NO_DESCRIPTORS };

/** Number of descriptors up to which they are sought one by one. A map is made for more. */
const SOUGHT = 8;

/** Holds each descriptor once, with all conditions that the three lists ask for. */
export class Selection<R extends Selectable, W extends Selectable, X extends Selectable> {
  descriptors: SelectedDescriptor[] = NO_DESCRIPTORS;
  #byNumber: Map<number, SelectedDescriptor> | undefined;
  #hasEvents: boolean = false;
  readonly #readers: SelectionList<R>;
  readonly #writers: SelectionList<W>;
  readonly #exceptional: SelectionList<X>;

  constructor(readers: Iterable<R>, writers: Iterable<W>, exceptional: Iterable<X>) {
    this.#readers = this.#add('readers', readers, READABLE);
    this.#writers = this.#add('writers', writers, WRITABLE);
    this.#exceptional = this.#add('exceptional', exceptional, PRIORITY);
  }

  /** Returns the members of one list with their descriptors, and notes their wanted conditions. */
  #add<T extends Selectable>(name: string, list: Iterable<T>, flag: number): SelectionList<T> {
    if (typeof list !== 'object' || list === null || !(Symbol.iterator in list)) {
      throw new InvalidArgTypeError(name, 'a list of descriptors or of objects with fileno()', list);
    }
    // A copy: what a fileno() does to the list does not matter.
    const members = Array.isArray(list) ? (list.slice() as T[]) : [...list];
    // Most lists have one member or none. An array of one is not made by push(), which reserves room for 16 more.
    if (members.length === 0) {
      return NONE;
    }
    const descriptors =
      members.length === 1
        ? [this.#descriptorOf(members[0] as T, name, flag)]
        : members.map((member) => this.#descriptorOf(member, name, flag));
    return { members, descriptors };
  }

  #descriptorOf(member: Selectable, name: string, flag: number): SelectedDescriptor {
    const fd = filenoOf(name, member);
    const event = flag === READABLE && member instanceof WaitableEvent ? member : undefined;
    this.#hasEvents ||= event !== undefined;
    const known = this.#find(fd);
    if (known !== undefined) {
      known.wanted |= flag;
      known.event ??= event;
      return known;
    }
    const descriptor = new SelectedDescriptor(fd, flag, event);
    if (this.descriptors.length === 0) {
      this.descriptors = [descriptor];
    } else {
      this.descriptors.push(descriptor);
    }
    if (this.#byNumber !== undefined) {
      this.#byNumber.set(fd, descriptor);
    } else if (this.descriptors.length > SOUGHT) {
      this.#byNumber = new Map(this.descriptors.map((one) => [one.fd, one]));
    }
    return descriptor;
  }

  #find(fd: number): SelectedDescriptor | undefined {
    if (this.#byNumber !== undefined) {
      return this.#byNumber.get(fd);
    }
    for (const descriptor of this.descriptors) {
      if (descriptor.fd === fd) {
        return descriptor;
      }
    }
    return undefined;
  }

  /** Blocks until a descriptor is ready or `timeout` milliseconds have passed. Returns whether one is ready. */
  wait(timeout: number): boolean {
    const { descriptors } = this;
    const [first] = descriptors;
    if (timeout <= 0 && descriptors.length === 1 && first !== undefined && !this.#hasEvents) {
      // Arrays would cost more than the poll.
      first.ready = check(fast.lookAtDescriptor(first.fd, first.wanted), 'select');
      return (first.ready & maskOf(first.wanted)) !== 0;
    }
    // Over a buffer of its own: what native code writes into a small array is lost in Bun 1.3 otherwise.
    const entries = new Int32Array(new ArrayBuffer(SELECT_LENGTH * descriptors.length * Int32Array.BYTES_PER_ELEMENT));
    const slots: number[] = [];
    descriptors.forEach(({ fd, wanted, event }, index) => {
      entries[SELECT_LENGTH * index] = fd;
      entries[SELECT_LENGTH * index + 1] = wanted;
      if (event !== undefined) {
        slots.push(event[slot]);
      }
    });
    const count = check(native.selectDescriptors(entries, Uint32Array.from(slots), timeout), 'select');
    descriptors.forEach((descriptor, index) => {
      descriptor.ready = entries[SELECT_LENGTH * index + 2] as number;
    });
    return count > 0;
  }

  /** Takes over what was found ready elsewhere if there is one descriptor. Returns whether it did. */
  report(flags: number): boolean {
    const [first] = this.descriptors;
    if (this.descriptors.length !== 1 || first === undefined) {
      return false;
    }
    first.ready = flags;
    return true;
  }

  /** Returns the ready members of each list, in their order. */
  result(): [R[], W[], X[]] {
    return [pick(this.#readers, READS), pick(this.#writers, WRITES), pick(this.#exceptional, PRIORITY)];
  }
}

/** Returns those members whose descriptors are ready for one of the conditions in `mask`. */
function pick<T>({ members, descriptors }: SelectionList<T>, mask: number): T[] {
  const isReady = (one: SelectedDescriptor | undefined): boolean => one !== undefined && (one.ready & mask) !== 0;
  if (members.length === 1) {
    return isReady(descriptors[0]) ? [members[0] as T] : [];
  }
  const picked: T[] = [];
  for (let index = 0; index < members.length; index += 1) {
    if (isReady(descriptors[index])) {
      picked.push(members[index] as T);
    }
  }
  return picked;
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
